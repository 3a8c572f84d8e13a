// The fidelity matrix as a plain user: see rows.ts.

import { fidelityTests } from "./suite.ts";

fidelityTests("user");
