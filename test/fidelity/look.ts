// Looks: listings of a folder by plain tools, as text. Equal text is equal content.
//
// None of the program's own code is used. Each line begins with the path from the folder on.

/** What of a folder is listed. */
export type Look =
  "stat" | "content" | "groups" | "holes" | "attributes" | "lists" | "capabilities" | "deep";

const ALL = `{ printf '.\\0'; find . -mindepth 1 -printf '%P\\0' | sort -z; }`;
const of = (kind: string) => `find . ${kind} -printf '%P\\0' | sort -z`;

/** Files larger than this are all hole: which parts are data says everything about them. */
const READ_BYTES_MAX = "-size -1000000k";

/** A line of a block begins with the path that the block's first line names. */
const WITH_PATH = `awk '/^# file: / { path = substr($0, 9); next } NF { print path " " $0 }'`;

const SCRIPTS: Readonly<Record<Look, string>> = {
  // Sizes and counts of names are the file system's own business where folders are concerned.
  stat: `
    ${ALL} | xargs -0 stat -c '%n mode=%a uid=%u gid=%g type=%F time=%y' --
    ${of("! -type d")} |
      xargs -0r stat -c '%n size=%s names=%h device=%t:%T link=%N' --`,
  content: `${of(`-type f ${READ_BYTES_MAX}`)} | xargs -0r sha256sum --`,
  // Which names are one file: each with the first of them.
  groups: `
    find . ! -type d -links +1 -printf '%i %P\\n' | sort -k 2 |
      awk '{ if (!($1 in first)) first[$1] = $2; print $2 " is " first[$1] }'`,
  // Where there is data, in blocks of 4 KiB; extents that touch are one. Else how much there is.
  holes: `
    ${of("-type f")} | while IFS= read -r -d '' file; do
      if map=$(filefrag -s -v -b4096 -- "$file" 2>/dev/null); then
        echo "$file data:" $(awk -F '[ .:]+' '
          /^ *[0-9]+:/ { if (from != "" && $3 == to + 1) { to = $4; next }
                         if (from != "") print from "-" to; from = $3; to = $4 }
          END { if (from != "") print from "-" to }' <<< "$map")
      else
        echo "$file bytes: $(du --block-size=1 -- "$file" | cut -f 1)"
      fi
    done`,
  attributes: `${ALL} | xargs -0 getfattr -h -d -m - -e hex --absolute-names -- | ${WITH_PATH}`,
  lists: `${of("-mindepth 1 ! -type l")} | xargs -0r getfacl -n -p -- | ${WITH_PATH}`,
  capabilities: `${of("-type f")} | xargs -0r getcap -n`,
  // By find alone, which goes down step by step: the others are given paths.
  deep: `
    find . -printf '%d %f mode=%m uid=%U gid=%G type=%y time=%T@ names=%n link=%l\\n' |
      sed 's/^\\([0-9]* .* type=d .*\\) names=[0-9]*/\\1/' | sort
    find . -type f -execdir sha256sum {} + | sort`,
};

/** A script of bash that lists the folder it is run in. */
export function lookScript(looks: readonly Look[]): string {
  return ["set -euo pipefail; export LC_ALL=C TZ=UTC", ...looks.map((look) => SCRIPTS[look])].join(
    "\n",
  );
}

/** Lines of one text only: `-` those of the first, `+` those of the second. */
export function differences(expected: string, actual: string): string[] {
  if (expected === actual) return [];
  const lines = (text: string) => text.split("\n");
  const [ours, theirs] = [lines(expected), lines(actual)];
  const missing = minus(ours, theirs).map((line) => `- ${line}`);
  const added = minus(theirs, ours).map((line) => `+ ${line}`);
  const found = [...missing, ...added];
  return found.length === 0 ? ["the same lines in another order"] : found;
}

function minus(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}
