// Xml: text as it is, and nothing that is broken, cut off or dangerous.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { children, decodeUrlText, parseXml, textOfChild } from "../../src/s3/xml.ts";

const parse = (text: string): ReturnType<typeof parseXml> => parseXml(utf8(text), "a test");

function refused(text: string): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    return isBunkerError(error, "unavailable") && error.message.startsWith("a test: ");
  }
}

test("a document becomes a tree, without declaration, namespace and attributes", () => {
  const root = parse(
    '\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<L xmlns="http://x" a="1>2"><s:C><K>a</K><K/></s:C>\n <C/>t</L>\n',
  );
  expect(root).toEqual({
    name: "L",
    text: "\n t",
    children: [
      {
        name: "C",
        text: "",
        children: [
          { name: "K", text: "a", children: [] },
          { name: "K", text: "", children: [] },
        ],
      },
      { name: "C", text: "", children: [] },
    ],
  });
  expect(children(root, "C")).toHaveLength(2);
  expect(textOfChild(root, "C")).toBe("");
  expect(textOfChild(root, "D")).toBeUndefined();
});

test.each([
  ["007", "007"],
  ["1e3", "1e3"],
  ["true", "true"],
  [" a ", " a "],
  [" ", " "],
  ["\n", "\n"],
  ["+1", "+1"],
  ["&amp;lt;", "&lt;"],
  ["&lt;&gt;&quot;&apos;&amp;", "<>\"'&"],
  ["a&#13;&#xA;b", "a\r\nb"],
  ["&#x1F5C4;", "🗄"],
  ["<![CDATA[<&amp;>]]>", "<&amp;>"],
  ["a<!-- <K>no</K> -->b", "ab"],
  ["é", "é"],
])("the text %j is %j", (written, meant) => {
  expect(textOfChild(parse(`<A><K>${written}</K></A>`), "K")).toBe(meant);
});

test.each([
  ["nothing", ""],
  ["spaces", "  \n"],
  ["cut off in the middle", "<A><B>1</B>"],
  ["cut off in a tag", "<A><B>1</B></A"],
  ["crossed tags", "<A><B>1</A></B>"],
  ["two roots", "<A></A><B></B>"],
  ["text before", "x<A></A>"],
  ["text behind", "<A></A>x"],
  ["a page", "<html><body><p>busy<br></body></html>"],
  ["JSON", '{"code":"x"}'],
  ["an unknown entity", "<A>&nbsp;</A>"],
  ["a lone surrogate", "<A>&#xD800;</A>"],
  ["no character", "<A>&#x110000;</A>"],
  ["a DOCTYPE", '<!DOCTYPE A [<!ENTITY x "y">]><A>&x;</A>'],
  ["a harmless DOCTYPE", "<!DOCTYPE A><A>x</A>"],
  ["a dangerous name", "<A><__proto__>1</__proto__></A>"],
  ["too deep", `${"<A>".repeat(40)}${"</A>".repeat(40)}`],
])("refused: %s", (_, text) => {
  expect(refused(text)).toBe(true);
});

test("a page of tags without end is refused before it is parsed, in few words", () => {
  const tags = (count: number) => utf8(`<A>${"<b/>".repeat(count)}</A>`);
  expect(parseXml(tags(100_000), "a test").children).toHaveLength(100_000);
  expect(() => parseXml(tags(200_000), "a test")).toThrow("it has too many tags");
  const error = failureIn(() => parseXml(utf8(`<A>${"<".repeat(10_000)}`), "a test"));
  expect(String(error).length).toBeLessThan(400);
});

function failureIn(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test("bytes that are no UTF-8 are refused", () => {
  const bytes = Uint8Array.of(...utf8("<A>"), 0xff, ...utf8("</A>"));
  expect(() => parseXml(bytes, "a test")).toThrow("it is not UTF-8");
});

test("URL encoding is undone, + is a space", () => {
  expect(decodeUrlText("a%2Bb+c%20d%C3%A9%0A/", "a test")).toBe("a+b c dé\n/");
  expect(() => decodeUrlText("%E9", "a test")).toThrow("a text in it is not encoded as a URL");
  expect(() => decodeUrlText("50%", "a test")).toThrow("a text in it is not encoded as a URL");
});
