import { describe } from "vitest";
import { connectionClauses } from "./conformance/connections.ts";
import type { Driver } from "./conformance/driver.ts";
import { joinClauses } from "./conformance/join.ts";
import { listenClauses } from "./conformance/listen.ts";
import { queryClauses } from "./conformance/query.ts";
import { transactionClauses } from "./conformance/transaction.ts";
import { workerClauses } from "./conformance/worker.ts";

/** What every adapter must do, on real PostgreSQL. */
export function conformance(name: string, driver: Driver): void {
  describe(`${name}: query`, () => {
    queryClauses(driver);
  });
  describe(`${name}: transaction`, () => {
    transactionClauses(driver);
  });
  describe(`${name}: join`, () => {
    joinClauses(driver);
  });
  describe(`${name}: listen`, () => {
    listenClauses(driver);
  });
  describe(`${name}: connections`, () => {
    connectionClauses(driver);
  });
  describe(`${name}: worker`, () => {
    workerClauses(driver);
  });
}
