// XML: answers as B2 writes them (a declaration with standalone, elements by lines), and a small
// reader of what clients send. No packages: what the program reads with one is written without it.

import { S3Error } from "./refusal.ts";

/** Text, or elements in order; undefined ones are left out. */
export type XmlValue = string | number | boolean | readonly XmlElement[];
export type XmlElement = readonly [name: string, value: XmlValue | undefined];

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

export function writeXml(name: string, value: XmlValue): string {
  return DECLARATION + element(name, value, "", ` ${NAMESPACE}`);
}

/** An error has a code and a message and nothing more. docs/b2.md A10 */
export function writeError({ code, message }: S3Error): string {
  const elements: XmlElement[] = [
    ["Code", code],
    ["Message", message],
  ];
  return DECLARATION + element("Error", elements, "");
}

function element(name: string, value: XmlValue, indent: string, attributes = ""): string {
  if (typeof value !== "object") {
    return `${indent}<${name}${attributes}>${escapeText(String(value))}</${name}>\n`;
  }
  const inner = value.map(([child, content]) =>
    content === undefined ? "" : element(child, content, `${indent}    `),
  );
  return `${indent}<${name}${attributes}>\n${inner.join("")}${indent}</${name}>\n`;
}

function escapeText(text: string): string {
  // XML 1.0 has no way at all to write most control characters: encoding-type=url is for those.
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, (c) => {
    if (c === "&") return "&amp;";
    if (c === "<") return "&lt;";
    if (c === ">") return "&gt;";
    return c === "\r" ? "&#13;" : "\ufffd";
  });
}

export interface XmlNode {
  readonly name: string;
  readonly children: XmlNode[];
  text: string;
}

/** Reads a request's body; throws `MalformedXML`, also for another root than `rootName`. */
export function readXml(text: string, rootName: string): XmlNode {
  const top: XmlNode = { name: "", children: [], text: "" };
  const open = [top];
  for (const match of text.replace(NO_ELEMENT, "").matchAll(TOKEN)) readToken(open, match);
  const [root] = top.children;
  if (open.length !== 1 || top.children.length !== 1 || root?.name !== rootName) throw malformed();
  return root;
}

const NO_ELEMENT = /<\?[^>]*\?>|<!--[\s\S]*?-->/g;
const TOKEN = /<(\/?)([\w:.-]+)([^<>]*?)(\/?)>|([^<]+)|</g;

function readToken(open: XmlNode[], match: RegExpMatchArray): void {
  const [, close, name, , empty, content] = match;
  if (content !== undefined) open.at(-1)!.text += content;
  else if (name === undefined) throw malformed();
  else if (close === "/") closeNode(open, name);
  else openNode(open, name, empty === "/");
}

function openNode(open: XmlNode[], name: string, empty: boolean): void {
  const node: XmlNode = { name, children: [], text: "" };
  open.at(-1)!.children.push(node);
  if (!empty) open.push(node);
}

function closeNode(open: XmlNode[], name: string): void {
  const node = open.pop()!;
  if (node.name !== name) throw malformed();
  node.text = unescapeText(node.text);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function unescapeText(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (_, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    const found = ENTITIES[name];
    if (found === undefined) throw malformed();
    return found;
  });
}

export function childrenOf(node: XmlNode | undefined, name: string): XmlNode[] {
  return node?.children.filter((child) => child.name === name) ?? [];
}

export function childOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  return childrenOf(node, name)[0];
}

export function textOf(node: XmlNode | undefined, name: string): string | undefined {
  return childOf(node, name)?.text.trim();
}

export function malformed(): S3Error {
  return new S3Error(
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );
}
