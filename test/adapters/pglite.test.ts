import { conformance } from "./conformance.ts";
import { pgliteDriver } from "./pglite-driver.ts";

conformance("PGlite", pgliteDriver);
