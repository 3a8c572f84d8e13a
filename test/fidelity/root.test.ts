// The fidelity matrix as root: see rows.ts.

import { fidelityTests } from "./suite.ts";

fidelityTests("root");
