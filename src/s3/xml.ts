// Xml: the answers of an S3 service as a tree of names and texts. The only file with fast-xml-parser.
//
// Text stays text: no numbers, no trimming. A document with a DOCTYPE is refused, and of entities
// only those five are known that XML itself has. The parser forgives what is broken or cut off, so
// that its validator is asked first.

import { XMLParser, XMLValidator } from "fast-xml-parser";
import { type Bytes, strictTextOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";

const DEPTH_MAX = 32;
const DOCUMENT_BYTES_MAX = 32 * 1024 * 1024;
/** A page of 1,000 versions has some 25,000; each takes the parser half a kilobyte, and time. */
const TAG_COUNT_MAX = 200_000;
/** Of what the parser says, which repeats what it found. */
const WHY_CHARS_MAX = 200;
const TEXT = "#text";
const CDATA = "#cdata";
const REFERENCE = /&(#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[A-Za-z]+);/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

export interface XmlNode {
  /** Without the prefix of a namespace. */
  readonly name: string;
  /** Its own text, references decoded; "" where it has none. */
  readonly text: string;
  readonly children: readonly XmlNode[];
}

/** What the parser gives with `preserveOrder`: objects of one name each, or of text. */
type Parsed = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: DEPTH_MAX,
  textNodeName: TEXT,
  cdataPropName: CDATA,
});

/** Parses a whole document and returns its root; `what` names it in the error, `unavailable`. */
export function parseXml(bytes: Bytes, what: string): XmlNode {
  if (bytes.length > DOCUMENT_BYTES_MAX) throw noDocument(what, `it has ${bytes.length} bytes`);
  const text = strictTextOf(bytes);
  if (text === undefined) throw noDocument(what, "it is not UTF-8");
  if (/<!DOCTYPE/i.test(text)) throw noDocument(what, "it has a DOCTYPE");
  if (hasTooManyTags(bytes)) throw noDocument(what, "it has too many tags");
  const nodes = parsedOf(text.replace(/^\uFEFF/, ""), what).flatMap((item) => nodesOf(item, what));
  const [root] = nodes;
  if (root === undefined || nodes.length > 1) throw noDocument(what, "it has no single root");
  return root;
}

function hasTooManyTags(bytes: Bytes): boolean {
  let count = 0;
  for (let at = bytes.indexOf(0x3c); at >= 0; at = bytes.indexOf(0x3c, at + 1)) {
    if (++count > TAG_COUNT_MAX) return true;
  }
  return false;
}

/** The text of the first child of that name. */
export function textOfChild(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}

export function children(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** Undoes the encoding of an answer with `EncodingType` "url", where "+" is a space. */
export function decodeUrlText(text: string, what: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch (cause) {
    throw noDocument(what, "a text in it is not encoded as a URL", cause);
  }
}

function parsedOf(text: string, what: string): readonly Parsed[] {
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw noDocument(what, valid.err.msg);
  try {
    return parser.parse(text) as readonly Parsed[];
  } catch (cause) {
    throw noDocument(what, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function nodesOf(item: Parsed, what: string): XmlNode[] {
  return Object.entries(item).flatMap(([name, content]) => {
    if (name === TEXT || name === CDATA) return []; // Taken by the parent.
    const items = content as readonly Parsed[];
    return [
      {
        name,
        text: items.map((child) => ownText(child, what)).join(""),
        children: items.flatMap((child) => nodesOf(child, what)),
      },
    ];
  });
}

function ownText(item: Parsed, what: string): string {
  const text = item[TEXT];
  if (typeof text === "string") return decodeReferences(text, what);
  const verbatim = item[CDATA] as readonly Parsed[] | undefined;
  return verbatim?.map((child) => String(child[TEXT])).join("") ?? "";
}

function decodeReferences(text: string, what: string): string {
  return text.replaceAll(REFERENCE, (whole, reference: string) => {
    const known = reference.startsWith("#") ? characterOf(reference) : ENTITIES[reference];
    if (known === undefined) throw noDocument(what, `it refers to the unknown ${whole}`);
    return known;
  });
}

// "#13" and "#xD": not only what XML 1.0 allows, since services write all that keys can hold.
function characterOf(reference: string): string | undefined {
  const hexadecimal = reference[1] === "x";
  const code = Number.parseInt(reference.slice(hexadecimal ? 2 : 1), hexadecimal ? 16 : 10);
  const character = code <= 0x10_ffff ? String.fromCodePoint(code) : undefined;
  return character?.isWellFormed() === true ? character : undefined;
}

function noDocument(what: string, why: string, cause?: unknown): BunkerError {
  const text = `${what}: expected a whole XML document, but ${why.slice(0, WHY_CHARS_MAX)}`;
  return new BunkerError("unavailable", text, { cause });
}
