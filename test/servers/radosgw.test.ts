// Radosgw starts, and does what the tests that use it need. They are all in this file, for one start.

import { hasRadosgw, startRadosgw } from "./radosgw.ts";
import { storeOnServerSuite } from "./store.ts";
import { serverSuite } from "./suite.ts";

serverSuite("radosgw", hasRadosgw(), startRadosgw);
storeOnServerSuite("radosgw", hasRadosgw(), startRadosgw);
