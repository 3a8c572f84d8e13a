// A helping thread in tests: joins a destination, writes one file and says how it went.

import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { FolderPath } from "../../src/destination/destination.ts";
import type { FolderDestinationShare } from "../../src/destination/naming.ts";
import { joinFolderDestination } from "../../src/destination/open.ts";

export interface Order {
  readonly share: FolderDestinationShare;
  readonly folder: FolderPath;
  readonly metadata: Metadata;
  readonly text: string;
}

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<Order>) => {
  const into = joinFolderDestination(data.share);
  const file = into.createFile(data.folder, data.metadata.name);
  into.writeAt(file, utf8(data.text), 0);
  into.finishFile(file, data.metadata);
  into.close();
  self.postMessage("done");
};
