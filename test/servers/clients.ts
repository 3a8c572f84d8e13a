// Clients: S3 clients that others wrote, rclone and boto3, to look at a server from their side.
//
// Neither reads the settings or the keys of whoever runs the tests.

import { findPython } from "../outside/python.ts";
import { runProgram } from "./process.ts";
import type { Access } from "./server.ts";

// Checksums that a server may not know are left out, as with every server but Amazon's own.
const BOTO3_PRELUDE = `
import datetime, json, os, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"], config=Config(
    signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1},
    request_checksum_calculation="when_required", response_checksum_validation="when_required"))
`;

let python: string | undefined;

/** A Python that has boto3, or undefined. */
export function findBoto3(): string | undefined {
  python ??= findPython("boto3"); // Asking takes half a second.
  return python;
}

/** Whether both clients are installed. */
export function hasClients(): boolean {
  return Bun.which("rclone") !== null && findBoto3() !== undefined;
}

/**
 * Runs lines of Python that find a boto3 client as `s3`, its ClientError, the arguments in
 * `sys.argv[1:]`, and datetime, json, os and sys. Gives what they print.
 */
export async function runBoto3(
  server: Access,
  lines: string,
  ...options: readonly string[]
): Promise<string> {
  const program = findBoto3();
  if (program === undefined) throw new Error("no python3 with boto3");
  const env = {
    ENDPOINT: server.endpoint,
    AWS_ACCESS_KEY_ID: server.keyId,
    AWS_SECRET_ACCESS_KEY: server.secret,
    AWS_DEFAULT_REGION: server.region,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  return runProgram([program, "-I", "-", ...options], { env, input: BOTO3_PRELUDE + lines });
}

/** Runs rclone, to which the server is the remote `server:`. Gives what it prints. */
export async function runRclone(server: Access, ...command: readonly string[]): Promise<string> {
  const env = {
    RCLONE_CONFIG_SERVER_TYPE: "s3",
    RCLONE_CONFIG_SERVER_PROVIDER: "Other",
    RCLONE_CONFIG_SERVER_ENV_AUTH: "false",
    RCLONE_CONFIG_SERVER_ENDPOINT: server.endpoint,
    RCLONE_CONFIG_SERVER_REGION: server.region,
    RCLONE_CONFIG_SERVER_ACCESS_KEY_ID: server.keyId,
    RCLONE_CONFIG_SERVER_SECRET_ACCESS_KEY: server.secret,
  };
  const settings = ["--config", "", "--retries", "1", "--low-level-retries", "1"];
  return runProgram(["rclone", ...settings, ...command], { env });
}
