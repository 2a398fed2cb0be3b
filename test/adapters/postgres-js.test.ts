import { conformance } from "./conformance.ts";
import { postgresJsDriver } from "./postgres-js-driver.ts";

conformance("postgres.js", postgresJsDriver);
