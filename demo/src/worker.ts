// One worker process of the demo, started by worker-process.ts: `node worker.js <schema> <name> <pauseMs>`.
import { setTimeout as sleep } from "node:timers/promises";
import { escapeIdentifier } from "pg";
import { Pawl } from "pawl";
import { readFacts } from "./file-facts.ts";
import { failsOnPurpose, indexFile } from "./index-file.ts";
import { workerSettings } from "./worker-settings.ts";

const [schema = "", name = "", pauseMs = ""] = process.argv.slice(2);

const pawl = new Pawl({ schema });
const worker = pawl.worker({
  name,
  concurrency: workerSettings.concurrency,
  lease: workerSettings.leaseMs,
  shutdownGrace: "5s",
  handlers: [
    indexFile.handle(async ({ payload, job, tx, signal }) => {
      const facts = await readFacts(payload.path, signal);
      await tx.query(
        `insert into ${escapeIdentifier(schema)}.files (path, sha256, bytes, lines, version) values ($1, $2, $3, $4, $5)`,
        [payload.path, facts?.sha256, facts?.bytes, facts?.lines, facts?.version],
      );
      await sleep(Number(pauseMs), undefined, { signal });
      if (failsOnPurpose({ number: payload.number, attempt: job.attempt })) {
        throw new Error("failed on purpose, after its write");
      }
    }),
  ],
});

worker.on("started", ({ workerId }) => process.send?.({ workerId }));
process.on("SIGTERM", () => void worker.stop());
// The terminal sends Ctrl-C here as well, and the parent says when to stop.
process.on("SIGINT", () => undefined);
// The parent is gone, however that happened.
process.on("disconnect", () => process.exit(1));

await worker.start();
await worker.finished;
await pawl.close();
process.exit(0);
