// Bucket service: where a bucket is asked for, and as whom: all that `src/s3` needs to know.
//
// Endpoint, region and certificates come from the store's section of the config file, else from the
// environment, else from the profile of AWS that gave the key.

import { BunkerError } from "../base/errors.ts";
import { regionOf, type S3Service } from "../s3/service.ts";
import type { AwsProfile } from "./aws-files.ts";
import { findKey, type Key, type Sources, textIn } from "./credentials.ts";
import {
  awsEndpoint,
  awsRegionOf,
  b2Endpoint,
  type Given,
  isB2Region,
  parseEndpoint,
  parseRegion,
} from "./endpoint.ts";
import type { Environment } from "./locations.ts";
import { readPrivateFile, textOfFile } from "./private-file.ts";
import type { BucketLocation } from "./store-location.ts";
import { pathOfSetting, type SettingName, type SettingValues } from "./store-settings.ts";

const SERVICE_HINT = "or name the store with: bunker store add";
/** What most services that are not of AWS or B2 take for their one region. */
const ANY_REGION = "us-east-1";

/** The service of a bucket, with the key for it. Throws `invalid-argument` for what is missing. */
export async function serviceOf(location: BucketLocation, sources: Sources): Promise<S3Service> {
  const key = await findKey(location, sources);
  const place = placeOf(location, sources, key);
  const caPem = readCa(sources, key);
  return {
    ...place,
    credentials: key.credentials,
    ...(caPem === undefined ? {} : { caPem }),
  };
}

type Place = Pick<S3Service, "endpoint" | "region">;

function placeOf({ scheme, bucket }: BucketLocation, sources: Sources, key: Key): Place {
  const isB2 = scheme === "b2";
  const given = isB2 ? b2EndpointIn(sources, key) : s3EndpointIn(sources, key);
  const found = isB2 ? b2RegionIn(sources, key) : s3RegionIn(sources, key);
  const region = found && parseRegion(found, isB2 ? "us-west-004" : "eu-central-1");
  if (given !== undefined) {
    const endpoint = parseEndpoint(given);
    refuseBucketInHost(endpoint, bucket, given.from);
    // A host that names its region knows best.
    const known = regionOf(endpoint) ?? awsRegionOf(endpoint);
    return { endpoint, region: known ?? region ?? ANY_REGION };
  }
  if (region === undefined) throw noRegion(isB2);
  return { endpoint: isB2 ? b2Endpoint(region) : awsEndpoint(region), region };
}

function noRegion(isB2: boolean): BunkerError {
  return isB2
    ? wrong("the region of the bucket is not known", {
        hint:
          "set B2_REGION to the second word of the bucket's endpoint, as in " +
          `s3.us-west-004.backblazeb2.com, ${SERVICE_HINT} --region`,
      })
    : wrong("neither the region nor the address of the S3 service is known", {
        hint: `set AWS_REGION, or AWS_ENDPOINT_URL for a service that is not of AWS, ${SERVICE_HINT}`,
      });
}

function b2EndpointIn({ environment, values = {} }: Sources, key: Key): Given | undefined {
  const own = settingIn(values, "endpoint") ?? variableIn(environment, "B2_ENDPOINT_URL");
  if (own !== undefined || !key.isAws) return own;
  // Whoever brings B2's keys by the names of AWS may bring its address by them too.
  const found = awsEndpointIn(environment, key.profile);
  return found !== undefined && /\.backblazeb2\.com(?::\d+)?\/?$/.test(found.text)
    ? found
    : undefined;
}

function s3EndpointIn({ environment, values = {} }: Sources, key: Key): Given | undefined {
  return settingIn(values, "endpoint") ?? awsEndpointIn(environment, key.profile);
}

function awsEndpointIn(
  environment: Environment,
  profile: AwsProfile | undefined,
): Given | undefined {
  if (textIn(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.toLowerCase() === "true") {
    return undefined;
  }
  return (
    variableIn(environment, "AWS_ENDPOINT_URL_S3") ??
    variableIn(environment, "AWS_ENDPOINT_URL") ??
    (profile?.endpoint === undefined
      ? undefined
      : { text: profile.endpoint, from: `endpoint_url of AWS profile ${profile.name}` })
  );
}

// A region of AWS, set for other purposes, is none of B2's.
function b2RegionIn(sources: Sources, key: Key): Given | undefined {
  const { environment, values = {} } = sources;
  const own = settingIn(values, "region") ?? variableIn(environment, "B2_REGION");
  if (own !== undefined || !key.isAws) return own;
  const found = awsRegionIn(environment, key.profile);
  return found !== undefined && isB2Region(found.text) ? found : undefined;
}

function s3RegionIn({ environment, values = {} }: Sources, key: Key): Given | undefined {
  return settingIn(values, "region") ?? awsRegionIn(environment, key.profile);
}

function awsRegionIn(environment: Environment, profile: AwsProfile | undefined): Given | undefined {
  return (
    variableIn(environment, "AWS_REGION") ??
    variableIn(environment, "AWS_DEFAULT_REGION") ??
    (profile?.region === undefined
      ? undefined
      : { text: profile.region, from: `region of AWS profile ${profile.name}` })
  );
}

function refuseBucketInHost(endpoint: string, bucket: string, from: string): void {
  if (!new URL(endpoint).hostname.startsWith(`${bucket}.s3.`)) return;
  throw wrong(`${from}: expected the address of the service, found that of the bucket`, {
    hint: `leave "${bucket}." out`,
  });
}

function readCa({ environment, values = {} }: Sources, { profile }: Key): string | undefined {
  const own = values.ca === undefined ? undefined : pathOfSetting(values.ca, environment);
  const path = own ?? textIn(environment, "AWS_CA_BUNDLE") ?? profile?.ca;
  if (path === undefined) return undefined;
  const text = textOfFile(readPrivateFile(path, "the file with certificates"));
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new BunkerError("invalid-argument", "expected certificates in PEM, found none", {
    subject: path,
  });
}

function variableIn(environment: Environment, name: string): Given | undefined {
  const text = textIn(environment, name);
  return text === undefined ? undefined : { text, from: name };
}

function settingIn(values: SettingValues, name: SettingName): Given | undefined {
  const text = values[name];
  return text === undefined ? undefined : { text, from: `the store's ${name}` };
}

function wrong(message: string, details: { readonly hint: string }): BunkerError {
  return new BunkerError("invalid-argument", message, details);
}
