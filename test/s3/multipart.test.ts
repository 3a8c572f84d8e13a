// Multipart: parts at once, what goes wrong with them, and what is left behind.

import { describe, expect, test } from "bun:test";
import { type Bytes, concatBytes, textOf, utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import type { Call } from "../../src/s3/call.ts";
import { type PartSource, putLarge } from "../../src/s3/multipart.ts";
import { abortStaleUploads, listUploads } from "../../src/s3/uploads.ts";
import { failureFrom, FakeCaller, md5, md5Hex, refusal, type Said, xml } from "./fake.ts";

const PARTS = ["one", "two", "three"].map(utf8);
const WHOLE_ETAG = `${md5Hex(concatBytes(...PARTS.map(md5)))}-3`;

function source(parts: readonly Bytes[] = PARTS): PartSource {
  return async function* () {
    yield* parts;
  };
}

/** Answers every call as a service would, but those that `odd` has an answer for. */
function service(
  odd: (call: Call) => Said | Promise<Said> | undefined = () => undefined,
): FakeCaller {
  let uploadCount = 0;
  return new FakeCaller((call) => odd(call) ?? usual(call, () => ++uploadCount));
}

function usual(call: Call, nextUpload: () => number): Said {
  if (call.operation === "CreateMultipartUpload") {
    const ids = `<Bucket>b</Bucket><Key>k</Key><UploadId>u+/=${nextUpload()}</UploadId>`;
    return { body: xml("InitiateMultipartUploadResult", ids) };
  }
  if (call.operation === "UploadPart" || call.operation === "PutObject")
    return { headers: { etag: `"${md5Hex(call.body!)}"` } };
  if (call.operation === "CompleteMultipartUpload") return completed(WHOLE_ETAG);
  if (call.operation === "AbortMultipartUpload") return { status: 204 };
  if (call.operation === "GetObjectRetention") return kept("COMPLIANCE", "2030-01-01T00:00:00Z");
  throw new Error(`unexpected ${call.operation}`);
}

function kept(mode: string, until: string): Said {
  const content = `<Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate>`;
  return { body: xml("Retention", content) };
}

function completed(etag: string): Said {
  const content = `<Location>x</Location><Bucket>b</Bucket><Key>k</Key><ETag>"${etag}"</ETag>`;
  return {
    headers: { "x-amz-version-id": "7" },
    body: xml("CompleteMultipartUploadResult", content),
  };
}

function is(call: Call, operation: string, partNumber?: number): boolean {
  if (call.operation !== operation) return false;
  return partNumber === undefined || call.query?.["partNumber"] === String(partNumber);
}

describe("a large object", () => {
  test("is created, sent and completed", async () => {
    const caller = service();
    const lock = { mode: "compliance", until: Date.UTC(2030, 0, 1) } as const;
    const result = await putLarge(caller, "k", source(), { contentType: "a/b", lock, parallel: 1 });
    expect(result).toEqual({ etag: WHOLE_ETAG, versionId: "7" });
    const [create, first, second, third, complete] = caller.calls;
    expect(caller.calls).toHaveLength(6);
    expect(create).toMatchObject({ method: "POST", key: "k", query: { uploads: "" } });
    expect(create!.headers).toEqual({
      "content-type": "a/b",
      "x-amz-object-lock-mode": "COMPLIANCE",
      "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z",
    });
    expect(create).not.toHaveProperty("body");
    for (const [index, part] of [first!, second!, third!].entries()) {
      expect(part).toMatchObject({
        operation: "UploadPart",
        method: "PUT",
        query: { partNumber: String(index + 1), uploadId: "u+/=1" },
        body: PARTS[index]!,
        md5: md5(PARTS[index]!),
      });
      expect(part.headers).toBeUndefined(); // Lock headers are for the upload, not its parts.
    }
    expect(complete).toMatchObject({ method: "POST", query: { uploadId: "u+/=1" } });
    const listed = PARTS.map((part, index) => {
      const etag = `<ETag>&quot;${md5Hex(part)}&quot;</ETag>`;
      return `<Part><PartNumber>${index + 1}</PartNumber>${etag}</Part>`;
    });
    expect(textOf(complete!.body!)).toBe(
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        `${listed.join("")}</CompleteMultipartUpload>`,
    );
  });

  test.each<[string, Said, string[]]>([
    ["forgets", refusal(404, "NoSuchObjectLockConfiguration"), ["PutObjectRetention"]],
    ["shortens", kept("COMPLIANCE", "2029-12-31T23:59:59Z"), ["PutObjectRetention"]],
    ["keeps", kept("COMPLIANCE", "2030-01-01T00:00:00Z"), []],
    ["prolongs", kept("COMPLIANCE", "2031-01-01T00:00:00Z"), []],
    ["doesn't show", refusal(403, "AccessDenied"), []],
  ])("whose lock a service %s is locked in the end (radosgw)", async (_, said, more) => {
    const caller = service((call) => {
      if (is(call, "GetObjectRetention")) return said;
      return is(call, "PutObjectRetention") ? {} : undefined;
    });
    const lock = { mode: "compliance", until: Date.UTC(2030, 0, 1) } as const;
    await putLarge(caller, "k", source(), { lock });
    expect(caller.operations().slice(5)).toEqual(["GetObjectRetention", ...more]);
    for (const { query } of caller.calls.slice(5))
      expect(query).toEqual({ retention: "", versionId: "7" });
  });

  test("is completed in the order of its parts, whatever order they arrive in", async () => {
    const waiting: (() => void)[] = [];
    const caller = service((call) => {
      if (!is(call, "UploadPart")) return undefined;
      const said = usual(call, () => 0);
      return new Promise<Said>((resolve) => {
        waiting.push(() => resolve(said));
        if (waiting.length === 3) for (const go of waiting.reverse()) go();
      });
    });
    await putLarge(caller, "k", source(), { parallel: 3 });
    const text = textOf(caller.calls.at(-1)!.body!);
    const at = PARTS.map((part) => text.indexOf(md5Hex(part)));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
  });

  test("sends so many parts at once, and takes one more from the source", async () => {
    let running = 0;
    let runningMax = 0;
    let given = 0;
    let givenAhead = 0;
    let done = 0;
    const caller = service((call) => {
      if (is(call, "CompleteMultipartUpload")) return completed(`${"0".repeat(31)}x-20`);
      if (!is(call, "UploadPart")) return undefined;
      runningMax = Math.max(runningMax, ++running);
      givenAhead = Math.max(givenAhead, given - done);
      return finish(call);
    });
    const finish = async (call: Call): Promise<Said> => {
      for (let i = 0; i < 100; i++) await undefined; // The others get their turns.
      running--;
      done++;
      return usual(call, () => 0);
    };
    const many: PartSource = async function* () {
      for (; given < 20; given++) yield utf8(`part ${given}`);
    };
    await putLarge(caller, "k", many, { parallel: 3 });
    expect(runningMax).toBe(3);
    expect(givenAhead).toBeLessThanOrEqual(4);
    expect(done).toBe(20);
  });

  test("of no parts is an empty object by one request, and leaves no upload", async () => {
    const caller = service();
    const { etag } = await putLarge(caller, "k", source([]), { metadata: { a: "b" } });
    expect(etag).toBe(md5Hex(""));
    expect(caller.operations()).toEqual([
      "CreateMultipartUpload",
      "AbortMultipartUpload",
      "PutObject",
    ]);
    expect(caller.calls[2]!.headers).toEqual({ "x-amz-meta-a": "b" });
  });

  test("a part with a wrong ETag is sent again, and then is damage", async () => {
    let count = 0;
    const once = service((call) =>
      is(call, "UploadPart", 2) && ++count === 1 ? { headers: { etag: MD5_OTHER } } : undefined,
    );
    await putLarge(once, "k", source());
    expect(count).toBe(2);
    const always = service((call) =>
      is(call, "UploadPart", 2) ? { headers: { etag: MD5_OTHER } } : undefined,
    );
    const error = await failureFrom(putLarge(always, "k", source()));
    expect(error.code).toBe("corrupt");
    expect(error.message).toContain("part 2 of k");
    expect(always.operations().at(-1)).toBe("AbortMultipartUpload");
  });

  const MD5_OTHER = `"${md5Hex("other")}"`;

  test("an upload that is gone is started again, from the first part", async () => {
    let count = 0;
    const caller = service((call) =>
      is(call, "UploadPart", 3) && ++count < 3 ? refusal(404, "NoSuchUpload") : undefined,
    );
    expect(await putLarge(caller, "k", source(), { parallel: 1 })).toMatchObject({
      etag: WHOLE_ETAG,
    });
    const start = ["CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart"];
    const [gone, end] = ["AbortMultipartUpload", "CompleteMultipartUpload"];
    expect(caller.operations()).toEqual([...start, gone, ...start, gone, ...start, end]);
    expect(caller.queries().at(-1)).toEqual({ uploadId: "u+/=3" });
  });

  test("an upload that is always gone is an error", async () => {
    const caller = service((call) =>
      is(call, "UploadPart") ? refusal(404, "NoSuchUpload") : undefined,
    );
    await failureFrom(putLarge(caller, "k", source()));
    const starts = caller.operations().filter((name) => name === "CreateMultipartUpload");
    expect(starts).toHaveLength(3);
    expect(caller.operations().at(-1)).toBe("AbortMultipartUpload");
  });

  test.each([2, 100])(
    "a failed part of %i stops the others, and then aborts",
    async (partCount) => {
      const order: string[] = [];
      const caller = service((call) => {
        order.push(`${call.operation} ${call.query!["partNumber"] ?? ""}`.trim());
        if (!is(call, "UploadPart")) return undefined;
        if (is(call, "UploadPart", 2)) return refusal(403, "AccessDenied");
        return new Promise<Said>((_, reject) => {
          const stop = async (): Promise<void> => {
            for (let i = 0; i < 50; i++) await undefined; // Some bytes are still on their way.
            order.push(`stopped ${call.query!["partNumber"]}`);
            reject(new BunkerError("interrupted", "stopped"));
          };
          call.signal!.addEventListener("abort", () => void stop(), { once: true });
        });
      });
      const many = Array.from({ length: partCount }, (_, index) => utf8(String(index)));
      const error = await failureFrom(putLarge(caller, "k", source(many), { parallel: 2 }));
      expect(error.code).toBe("denied");
      expect(order).toContain("stopped 1");
      expect(order.at(-1)).toBe("AbortMultipartUpload");
      expect(order.length).toBeLessThan(8);
      expect(caller.calls.at(-1)).toMatchObject({ query: { uploadId: "u+/=1" }, tries: 1 });
      expect(caller.calls.at(-1)!.signal).toBeUndefined();
    },
  );

  test("a failed source aborts the upload, and is the error", async () => {
    const caller = service();
    const broken: PartSource = async function* () {
      yield PARTS[0]!;
      throw new BunkerError("io", "the disk is broken");
    };
    expect((await failureFrom(putLarge(caller, "k", broken))).message).toBe("the disk is broken");
    expect(caller.operations().at(-1)).toBe("AbortMultipartUpload");
  });

  test("a failed abort hides no error", async () => {
    const caller = service((call) =>
      is(call, "UploadPart") || is(call, "AbortMultipartUpload")
        ? refusal(is(call, "UploadPart") ? 507 : 403, "Unlucky")
        : undefined,
    );
    expect((await failureFrom(putLarge(caller, "k", source()))).code).toBe("full");
  });

  test("stopping it aborts the upload", async () => {
    const stop = new AbortController();
    const caller = service((call) => {
      if (is(call, "UploadPart", 2)) stop.abort();
      return undefined;
    });
    const put = putLarge(caller, "k", source(), { parallel: 1, signal: stop.signal });
    await expect(put).rejects.toThrow();
    expect(caller.operations()).not.toContain("CompleteMultipartUpload");
    expect(caller.operations().at(-1)).toBe("AbortMultipartUpload");
  });

  test("more parts than a service takes are refused", async () => {
    const parts = Array.from({ length: 10_001 }, () => PARTS[0]!);
    const caller = service();
    const error = await failureFrom(putLarge(caller, "k", source(parts), { parallel: 16 }));
    expect(error.code).toBe("invalid-argument");
    expect(caller.operations().at(-1)).toBe("AbortMultipartUpload");
  });
});

describe("the last call", () => {
  const last = (odd: (count: number) => Said, more?: (call: Call) => Said | undefined) => {
    let count = 0;
    return service((call) => (is(call, "CompleteMultipartUpload") ? odd(++count) : more?.(call)));
  };

  test.each<[string, Said]>([
    ["an error that comes with 200", { ...refusal(500, "InternalError"), status: 200 }],
    ["a cut answer", { body: (completed(WHOLE_ETAG).body as string).slice(0, -20) }],
    ["an empty answer", { body: "" }],
    ["spaces only", { body: "   \n" }],
    ["a proxy's page", { body: "<html></html>" }],
    ["an answer without an ETag", { body: xml("CompleteMultipartUploadResult", "") }],
  ])("is made again after %s, and fails if that stays", async (_, said) => {
    const once = last((count) => (count === 1 ? said : completed(WHOLE_ETAG)));
    expect(await putLarge(once, "k", source())).toEqual({ etag: WHOLE_ETAG, versionId: "7" });
    const always = last(() => said);
    expect((await failureFrom(putLarge(always, "k", source()))).code).toBe("unavailable");
    expect(always.operations().at(-1)).toBe("AbortMultipartUpload");
  });

  test("is answered after spaces that keep the connection", async () => {
    const body = `\n   \n${completed(WHOLE_ETAG).body as string}`;
    expect(
      await putLarge(
        last(() => ({ body })),
        "k",
        source(),
      ),
    ).toMatchObject({
      etag: WHOLE_ETAG,
    });
  });

  const head = (etag: string): Said => ({
    headers: {
      etag: `"${etag}"`,
      "content-length": "11",
      "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT",
      "x-amz-version-id": "8",
    },
  });

  test("may have been done before its answer was lost", async () => {
    const caller = last(
      () => refusal(404, "NoSuchUpload"),
      (call) => (is(call, "HeadObject") ? head(WHOLE_ETAG) : undefined),
    );
    expect(await putLarge(caller, "k", source())).toEqual({ etag: WHOLE_ETAG, versionId: "8" });
    expect(caller.operations().slice(-2)).toEqual(["CompleteMultipartUpload", "HeadObject"]);
  });

  test.each<[string, Said]>([
    ["another object is there", head(`${md5Hex("x")}-3`)],
    ["nothing is there", { status: 404 }],
  ])("is no success where the upload is gone and %s", async (_, said) => {
    let isOld = true;
    const caller = service((call) => {
      if (is(call, "HeadObject")) return said;
      if (!is(call, "CompleteMultipartUpload") || !isOld) return undefined;
      isOld = false;
      return refusal(404, "NoSuchUpload");
    });
    expect(await putLarge(caller, "k", source())).toMatchObject({ versionId: "7" });
    expect(caller.queries().at(-1)).toEqual({ uploadId: "u+/=2" });
  });

  test("with the ETag of other parts is damage", async () => {
    const caller = last(() => completed(`${md5Hex("x")}-3`));
    expect((await failureFrom(putLarge(caller, "k", source()))).code).toBe("corrupt");
    const kms = last(() => ({
      ...completed(`${md5Hex("x")}-3`),
      headers: { "x-amz-server-side-encryption": "aws:kms" },
    }));
    await putLarge(kms, "k", source());
  });
});

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 10);

function uploads(entries: readonly [string, number][], next = ""): Said {
  const content = entries.map(([key, hours], index) => {
    const initiated = new Date(NOW - hours * HOUR).toISOString();
    return (
      `<Upload><Key>${key}</Key><UploadId>${key}+${index}</UploadId>` +
      `<Initiated>${initiated}</Initiated></Upload>`
    );
  });
  const end = `<EncodingType>url</EncodingType><IsTruncated>${next !== ""}</IsTruncated>${next}`;
  return {
    headers: { date: new Date(NOW).toUTCString() },
    body: xml("ListMultipartUploadsResult", end + content.join("")),
  };
}

describe("unfinished uploads", () => {
  const next = "<NextKeyMarker>p/b</NextKeyMarker><NextUploadIdMarker>id+</NextUploadIdMarker>";

  test("are listed over pages", async () => {
    const caller = new FakeCaller([uploads([["p/a%2B", 1]], next), uploads([["p/c", 30]])]);
    const found = await Array.fromAsync(listUploads(caller, "p/"));
    expect(found).toEqual([
      { key: "p/a+", uploadId: "p/a%2B+0", initiated: NOW - HOUR, ageMs: HOUR },
      { key: "p/c", uploadId: "p/c+0", initiated: NOW - 30 * HOUR, ageMs: 30 * HOUR },
    ]);
    expect(caller.queries()).toEqual([
      { uploads: "", prefix: "p/", "max-uploads": "1000" },
      {
        uploads: "",
        prefix: "p/",
        "key-marker": "p/b",
        "upload-id-marker": "id+",
        "max-uploads": "1000",
      },
    ]);
  });

  test("without end are an error", async () => {
    const same = new FakeCaller([uploads([["p/a", 1]], next)]);
    await failureFrom(Array.fromAsync(listUploads(same, "p/")));
    const circle = new FakeCaller((_, index) =>
      uploads([["p/a", 1]], `<NextKeyMarker>p/${index % 2}</NextKeyMarker>`),
    );
    await failureFrom(Array.fromAsync(listUploads(circle, "p/")));
  });

  test("are aborted where they are ours and older than a day by the service's clock", async () => {
    const entries: [string, number][] = [
      ["p/old", 24.1],
      ["p/young", 23.9],
      ["p/not-ours", 99],
      ["q/elsewhere", 99],
      ["p/older", 99],
    ];
    const caller = new FakeCaller(({ operation }) =>
      operation === "ListMultipartUploads" ? uploads(entries) : { status: 204 },
    );
    const isOurs = (key: string): boolean => key !== "p/not-ours";
    expect(await abortStaleUploads(caller, "p/", { isOurs })).toBe(2);
    expect(caller.calls.slice(1).map(({ key, query }) => [key, query!["uploadId"]])).toEqual([
      ["p/old", "p/old+0"],
      ["p/older", "p/older+4"],
    ]);
  });

  test("of unknown age are left alone", async () => {
    const { body } = uploads([["p/a", 99]]);
    const caller = new FakeCaller([{ body: body! }]);
    expect(await abortStaleUploads(caller, "p/", { isOurs: () => true })).toBe(0);
    expect(caller.calls).toHaveLength(1);
  });

  test("that can't be aborted are not counted", async () => {
    const caller = new FakeCaller(({ operation }) =>
      operation === "ListMultipartUploads" ? uploads([["p/a", 99]]) : refusal(404, "NoSuchUpload"),
    );
    expect(await abortStaleUploads(caller, "p/", { isOurs: () => true })).toBe(0);
  });
});
