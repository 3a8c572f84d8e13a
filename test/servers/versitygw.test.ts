// Versitygw starts, and does what the tests that use it need.

import { findVersitygw } from "./install.ts";
import { storeOnServerSuite } from "./store.ts";
import { serverSuite } from "./suite.ts";
import { startVersitygw } from "./versitygw.ts";

serverSuite("versitygw", findVersitygw() !== undefined, startVersitygw);
storeOnServerSuite("versitygw", findVersitygw() !== undefined, startVersitygw);
