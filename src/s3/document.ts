// Document: the few small XML documents that are sent to an S3 service.

import { utf8 } from "../base/bytes.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** The headers that go with a document. */
export const DOCUMENT_HEADERS = { "content-type": "application/xml" } as const;

/** One element with a text, which is escaped. */
export function element(name: string, text: string): string {
  return `<${name}>${text.replace(/[&<>"]/g, (sign) => ESCAPES[sign]!)}</${name}>`;
}

/** A whole document; `content` is made of elements. */
export function documentOf(name: string, content: string): Uint8Array<ArrayBuffer> {
  return utf8(`<${name} xmlns="${NAMESPACE}">${content}</${name}>`);
}
