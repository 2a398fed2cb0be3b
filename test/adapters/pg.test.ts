import { conformance } from "./conformance.ts";
import { poolDriver, stringDriver } from "./pg-driver.ts";

conformance("pg with a connection string", stringDriver);
conformance("pg with a pool of the user's", poolDriver);
