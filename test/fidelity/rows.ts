// Rows: what a file system can hold, one kind a row, made by plain tools alone.
//
// Each row is a folder. `make` makes its content in it, as the user of the run; `plant` adds, as
// root, what only root can make. Scripts are bash with `set -eu`. What a user without rights
// can't keep is named with the line that has to report it, once.

import type { Look } from "./look.ts";

/** What a user without rights can't keep, and how it is said. */
export interface Loss {
  /** Which run says it; "silence": the system does not even show it. */
  readonly by: "backup" | "restore" | "silence";
  /** Exactly one line of that run matches. */
  readonly line?: RegExp;
  /** Taken out of both listings: the rest must be equal. */
  readonly lost: RegExp;
}

export interface Row {
  readonly name: string;
  /** For the table of the documents. */
  readonly title: string;
  /** Tools beyond those that every system has. */
  readonly tools?: readonly string[];
  readonly make: string;
  readonly plant?: string;
  /** Listings beyond `stat` and `content`. */
  readonly looks?: readonly Look[];
  /** In place of `stat` and `content`, where these can't reach. */
  readonly onlyLooks?: readonly Look[];
  /** What it looks like afterwards is shown to root only. */
  readonly isShut?: boolean;
  /** Too long to be read by a program that knows no holes. */
  readonly isEndless?: boolean;
  /** Of a user who restores the own backup; absent: everything is kept. */
  readonly user?: readonly Loss[];
}

const OWNERS: Loss = { by: "restore", line: /owners were not/, lost: / uid=\d+ gid=\d+/g };
const SET_IDS: Loss = { by: "restore", line: /setuid and setgid bits/, lost: / mode=\d+/g };
/** Other permissions of a planted file: it is readable by all, so that only its owner is lost. */
const ACL_OWNERS: Loss = { ...OWNERS, lost: / uid=\d+ gid=\d+|^.* # (?:owner|group): .*\n/gm };

const LONG_NAME = `printf '%0255d' 0`;
const MEBIBYTE = 1024 * 1024;

export const ROWS: readonly Row[] = [
  {
    name: "plain",
    title: "files: empty, small, of several chunks; empty folders",
    make: `
      : > empty; echo small > small; mkdir -p folder/empty; echo in > folder/in
      head -c 9000000 /dev/urandom > large`,
  },
  {
    name: "modes",
    title: "permission bits of files and folders",
    make: `
      for mode in 000 001 020 400 444 600 644 755 777; do echo $mode > $mode; chmod $mode $mode; done
      for mode in 700 711 750 755 777; do mkdir folder-$mode; chmod $mode folder-$mode; done
      [ "$(id -u)" = 0 ] || chmod u+r *`,
  },
  {
    name: "special-bits",
    title: "setuid, setgid, sticky",
    make: `
      for mode in 4755 2755 6711 1644; do echo $mode > $mode; chmod $mode $mode; done
      mkdir shared sticky; chmod 2775 shared; chmod 1777 sticky; echo in > shared/in`,
  },
  {
    name: "read-only",
    title: "read-only folders (0500) with content",
    make: `mkdir -p a/b; echo 1 > a/1; echo 2 > a/b/2; chmod 500 a/b a`,
  },
  {
    name: "shut-files",
    title: "files and folders of mode 0000 (as a user: not readable)",
    make: `
      echo shut > shut; mkdir closed; echo in > closed/in; echo fine > fine; chmod 000 shut closed`,
    isShut: true,
    user: [
      { by: "backup", line: /shut-files\/shut: /, lost: /^(?:[0-9a-f]{64} {2})?shut\b.*\n/gm },
      { by: "backup", line: /shut-files\/closed: /, lost: /^(?:[0-9a-f]{64} {2})?closed\b.*\n/gm },
    ],
  },
  {
    name: "owners",
    title: "owners by number",
    make: `mkdir folder; echo own > own`,
    plant: `
      echo 1 > file; ln -s file link; mkdir folder/in; mkfifo pipe
      chown -h 12345:54321 file; chown -h 4000000000:3999999999 link; chown 7:8 folder folder/in pipe
      chmod 755 folder; chmod 644 file pipe`,
    user: [OWNERS],
  },
  {
    name: "owned-set-ids",
    title: "setuid and setgid of another owner",
    make: "",
    plant: `
      echo 1 > tool; chown 12345:54321 tool; chmod 6755 tool
      mkdir drop; chown 12345:54321 drop; chmod 3777 drop`,
    user: [OWNERS, SET_IDS],
  },
  {
    name: "times",
    title: "times in ns: files, folders, links, pipes",
    make: `
      echo 1 > file; mkdir folder; echo 2 > folder/in; ln -s nowhere link; mkfifo pipe
      ln -s folder to-folder
      touch -d '2020-02-03 04:05:06.123456789' file folder/in pipe
      touch -h -d '2021-03-04 05:06:07.999999999' link to-folder
      touch -d '2022-04-05 06:07:08.000000001' folder`,
  },
  {
    name: "early-times",
    title: "times before 1970",
    make: `
      echo 1 > file; mkdir folder; ln -s nowhere link; echo 2 > just
      touch -d '1935-05-06 07:08:09.123456789' file folder
      touch -h -d '1969-12-31 23:59:59.999999999' link
      touch -d '1901-12-14 00:00:00.5' just`,
  },
  {
    name: "late-times",
    title: "times after 2038",
    make: `
      echo 1 > file; mkdir folder; ln -s nowhere link
      touch -d '2038-01-19 03:14:08.000000001' file; touch -d '2150-05-06 07:08:09.123456789' folder
      touch -h -d '2400-01-01 00:00:00.987654321' link`,
  },
  {
    name: "folder-times",
    title: "times of folders, set after their content",
    make: `
      mkdir -p a/b/c; for at in a a/b a/b/c; do echo 1 > $at/file; ln -s x $at/link; done
      touch -d '2001-01-01 01:01:01.1' a/b/c; touch -d '2002-02-02 02:02:02.2' a/b
      touch -d '2003-03-03 03:03:03.3' a; touch -d '2004-04-04 04:04:04.4' .`,
  },
  {
    name: "hard-links",
    title: "hard links in and across folders; of files, links, pipes",
    make: `
      mkdir -p a b/c; echo one > a/1; ln a/1 a/2; ln a/1 b/3; ln a/1 b/c/4
      : > empty; ln empty b/empty; ln -s a link; ln -P link b/link; mkfifo pipe; ln pipe b/pipe
      head -c 5000000 /dev/urandom > b/c/large; ln b/c/large large`,
    looks: ["groups"],
  },
  {
    name: "links",
    title: "symbolic links: dangling, absolute, looping, long",
    make: `
      ln -s nowhere dangling; ln -s /etc/passwd absolute; ln -s loop loop; ln -s .. up; ln -s . here
      ln -s $'with\\nline' line; ln -s $'\\xff\\xfe' raw; ln -s "$(printf 'x/%.0s' {1..2047})" long
      touch -h -d '2011-11-11 11:11:11.111111111' dangling loop raw long`,
  },
  {
    name: "sparse",
    title: "sparse files: holes at the start, in the middle, at the end; nothing but a hole",
    make: `
      truncate -s ${8 * MEBIBYTE} hole leading middle trailing several
      block() { dd if=/dev/urandom of="$1" bs=64K count=1 seek="$2" conv=notrunc status=none; }
      block leading 127; block middle 0; block middle 127; block trailing 0
      block several 16; block several 48; block several 80
      truncate -s ${20 * MEBIBYTE + 123} large; block large 160
      ln several linked`,
    tools: ["filefrag"],
    looks: ["holes", "groups"],
  },
  {
    name: "endless",
    title: "a sparse file of 1 TiB",
    tools: ["filefrag"],
    make: `
      truncate -s 1T endless; echo end >> endless
      dd if=/dev/urandom of=endless bs=64K count=1 seek=8000000 conv=notrunc status=none`,
    looks: ["holes"],
    isEndless: true,
  },
  {
    name: "nodes",
    title: "pipes and sockets",
    tools: ["perl"],
    make: `
      mkfifo pipe -m 0640
      perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0);bind(S,sockaddr_un("socket"))||die'
      touch -d '2012-12-12 12:12:12.121212121' pipe socket`,
  },
  {
    name: "devices",
    title: "devices",
    make: "echo beside > beside",
    plant: `
      mknod -m 600 char c 1 3; mknod -m 660 block b 7 200; mknod -m 600 large c 511 1048575
      touch -d '2013-01-03 10:13:13.131313131' char block large`,
    user: [{ by: "restore", line: /device/i, lost: /^(?:char|block|large)\b.*\n/gm }],
  },
  {
    name: "long-names",
    title: "names of 255 bytes",
    make: `
      n=$(${LONG_NAME}); mkdir "$n"; echo 1 > "$n/$n"; ln -s x "$n/$\{n%?}l"; ln "$n/$n" "$n/$\{n%?}h"
      u=$(printf '\\u20ac%.0s' {1..85}); echo 2 > "$u"`,
    looks: ["groups"],
  },
  {
    name: "deep-paths",
    title: "paths over 4,096 bytes",
    make: `
      n=$(${LONG_NAME})
      for level in {1..20}; do echo $level > file; ln -s $level link; mkdir $n; cd -P ./$n; done
      echo deepest > file; touch -d '2014-01-04 10:14:14.141414141' file .`,
    onlyLooks: ["deep"],
  },
  {
    name: "odd-names",
    title: "names with line breaks, invalid UTF-8, all other bytes",
    make: `
      for byte in {1..255}; do
        [ $byte = 47 ] || printf $byte > "$(printf "b\\\\x$(printf %x $byte)e")"
      done
      echo 1 > $'line\\nbreak'; echo 2 > $'\\xff\\xfe\\x80'; echo 3 > $'\\xed\\xa0\\x80'
      mkdir $'\\xc3'; echo 4 > $'\\xc3/\\x28'; echo 5 > $'\\xc3\\xa9'; echo 6 > $'e\\xcc\\x81'
      echo 7 > ' '; echo 8 > '-rf'; echo 9 > '...'; echo 10 > '\\'; echo 11 > '*'; echo 12 > '~'`,
  },
  {
    name: "user-attributes",
    title: "extended attributes user.*: files and folders",
    tools: ["setfattr", "getfattr"],
    make: `
      echo 1 > file; mkdir folder; echo 2 > folder/in; head -c 5000000 /dev/urandom > large; : > none
      setfattr -n user.text -v value file folder folder/in large none
      setfattr -n user.empty file; setfattr -n user.binary -v 0x00ff0a80 file folder
      setfattr -n "user.$(printf '%0250d' 0)" -v long file
      setfattr -n $'user.\\xc3\\xa9' -v e file; setfattr -n $'user.\\xff' -v raw file
      for i in {1..20}; do setfattr -n user.$i -v $i folder/in; done
      ln file folder/linked; chmod 444 large; chmod 555 folder
      touch -d '2015-01-05 10:15:15.151515151' file folder large`,
    looks: ["attributes", "groups"],
  },
  {
    name: "large-attributes",
    title: "large values, as large as the file system takes",
    tools: ["setfattr", "getfattr"],
    make: `
      echo 1 > file
      for bytes in 65536 32768 16384 8192 4000 3000 2000 1000; do
        value=$(head -c $bytes /dev/urandom | base64 -w 0)
        if setfattr -n user.large -v 0s$value file 2>/dev/null; then break; fi
      done
      getfattr -n user.large file > /dev/null`,
    looks: ["attributes"],
  },
  {
    name: "trusted-attributes",
    title: "extended attributes trusted.*: also of links, pipes, devices",
    tools: ["setfattr", "getfattr"],
    make: `echo 1 > file; mkdir folder; ln -s file link; mkfifo pipe`,
    plant: `setfattr -h -n trusted.bunker -v 0x0001ff file folder link pipe`,
    looks: ["attributes"],
    user: [{ by: "silence", lost: /^.* trusted\..*\n/gm }],
  },
  {
    name: "security-attributes",
    title: "extended attributes security.*",
    tools: ["setfattr", "getfattr"],
    make: `echo 1 > file; mkdir folder; ln -s file link`,
    plant: `setfattr -h -n security.bunker -v label file folder link`,
    looks: ["attributes"],
    user: [
      { by: "restore", line: /attributes of security\.\* were not/, lost: /^.* security\..*\n/gm },
    ],
  },
  {
    name: "capabilities",
    title: "file capabilities",
    tools: ["setcap", "getcap", "getfattr"],
    make: `echo 1 > plain; echo 2 > several`,
    plant: `setcap cap_net_raw+ep plain; setcap cap_net_bind_service,cap_sys_time+eip several`,
    looks: ["attributes", "capabilities"],
    user: [
      {
        by: "restore",
        line: /file capabilities were not/,
        lost: /^.* security\.capability=.*\n|^.* cap_.*\n/gm,
      },
    ],
  },
  {
    name: "access-lists",
    title: "POSIX ACLs of files and folders",
    tools: ["setfacl", "getfacl", "getfattr"],
    make: `
      echo 1 > file; echo 2 > masked; mkdir folder; echo 3 > folder/in; echo 4 > none
      setfacl -m u:1234:rw-,g:4321:r-x,m::rwx file; setfacl -m u:1234:rwx,m::r-- masked
      setfacl -m u:1234:r-x folder; setfacl -m g:4321:--- folder/in; chmod 640 none`,
    looks: ["lists", "attributes"],
  },
  {
    name: "default-lists",
    title: "default ACLs of folders; what is in them without one",
    tools: ["setfacl", "getfacl", "getfattr"],
    make: `
      mkdir folder; echo 1 > folder/before; mkdir folder/before-folder
      setfacl -d -m u:1234:rwx,g:4321:r-x,o::--- folder
      echo 2 > folder/heir; mkdir folder/heir-folder; echo 3 > folder/stripped
      setfacl -b folder/stripped; mkdir folder/stripped-folder; setfacl -b -k folder/stripped-folder
      ln -s heir folder/link; mkfifo folder/pipe`,
    looks: ["lists", "attributes"],
  },
  {
    name: "everything",
    title: "owner, setuid, capability, ACL, attribute and time of one file",
    tools: ["setfacl", "getfacl", "setcap", "getcap", "getfattr", "setfattr"],
    make: "",
    plant: `
      echo 1 > tool; mkdir folder; echo 1 > folder/in
      chown 12345:54321 tool folder folder/in; chmod 6755 tool; chmod 3775 folder; chmod 644 folder/in
      setfattr -n user.note -v all tool folder folder/in
      setfacl -m u:1234:r-x,m::r-x tool; setfacl -m u:1234:rwx folder
      setfacl -d -m g:4321:r-x folder
      setcap cap_chown+ep tool; chmod 6755 tool; setcap cap_chown+ep tool
      touch -d '2016-01-06 10:16:16.161616161' tool folder/in folder`,
    looks: ["lists", "attributes", "capabilities"],
    user: [
      ACL_OWNERS,
      SET_IDS,
      {
        by: "restore",
        line: /file capabilities were not/,
        lost: /^.* security\.capability=.*\n|^.* cap_.*\n|^.* # flags: .*\n/gm,
      },
    ],
  },
];
