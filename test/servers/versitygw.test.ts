// Versitygw starts, and does what the tests that use it need.

import { findVersitygw } from "./install.ts";
import { serverSuite } from "./suite.ts";
import { startVersitygw } from "./versitygw.ts";

serverSuite("versitygw", findVersitygw() !== undefined, startVersitygw);
