// Endpoint: the address of an S3 service, and the region behind it.
//
//   b2://   https://s3.REGION.backblazeb2.com, unless an endpoint is given
//   s3://   https://s3.REGION.amazonaws.com, unless an endpoint is given
//
// Requests go over TLS, except to this machine itself.

import { BunkerError } from "../base/errors.ts";

/** A value, and what people call the place that it is from. */
export interface Given {
  readonly text: string;
  readonly from: string;
}

/**
 * The endpoint as "https://host[:port]". A host alone gets the scheme. Throws `invalid-argument`,
 * and repeats nothing where the address may hold a secret.
 */
export function parseEndpoint({ text, from }: Given): string {
  const url = urlOf(text.includes("://") ? text : `https://${text}`);
  if (url === undefined || url.username !== "" || url.password !== "" || url.search !== "") {
    throw wrong(`${from}: expected an address as https://HOST or https://HOST:PORT`, {
      hint: "a key never stands in an address",
    });
  }
  if (url.pathname !== "/" || url.hash !== "") {
    throw wrong(`${from}: expected an address without a path, found one at ${url.host}`, {
      hint: "the bucket stands in the store's location: s3://BUCKET/PREFIX",
    });
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw wrong(`${from}: expected https://, found ${url.protocol}// at ${url.host}`, {
      hint: "without TLS, whoever is on the way could read and change requests; a service with a certificate of its own is trusted by: ca, or AWS_CA_BUNDLE",
    });
  }
  return `${url.protocol}//${url.host}`;
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isLoopback(hostname: string): boolean {
  // The parser has brought all ways to write an IPv4 address into this one.
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

/** A region as it may stand in a host's name. Throws `invalid-argument`. */
export function parseRegion({ text, from }: Given, example: string): string {
  if (/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text) && text.length < 64) return text;
  throw wrong(`${from}: expected a region as ${example}, found another text`, {
    hint: `of an address as s3.${example}.backblazeb2.com it is the second word`,
  });
}

/** Whether a region is named as those of B2 are, and not as those of AWS (us-east-1). */
export function isB2Region(region: string): boolean {
  return /^[a-z]+-[a-z]+-\d{3}$/.test(region);
}

export function b2Endpoint(region: string): string {
  return `https://s3.${region}.backblazeb2.com`;
}

export function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

/** The region that a host of AWS names; `undefined` for other hosts. */
export function awsRegionOf(endpoint: string): string | undefined {
  const { hostname } = new URL(endpoint);
  return /^s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(hostname)?.[1];
}

function wrong(message: string, details: { readonly hint: string }): BunkerError {
  return new BunkerError("invalid-argument", message, details);
}
