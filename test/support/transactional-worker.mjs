// A worker in a process of its own, whose transactional handler writes a note and waits to be told to go on: without a
// query, or in one when the job's correlation id says so.
import { Pawl, defineTask } from "pawl";

const { url, schema, lease } = JSON.parse(process.argv[2]);
const tell = (kind, name) => process.send?.({ kind, name });

const task = defineTask({ name: "task", transactional: true });
const goOn = new Promise((resolve) => process.once("message", resolve));

const pawl = new Pawl({ database: url, schema });
const worker = pawl.worker({
  lease,
  pollInterval: "100ms",
  handlers: [
    task.handle(async ({ tx, job, signal }) => {
      await tx.query(`insert into ${schema}.notes values ('by the other process')`);
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      signal.addEventListener("abort", () => tell("aborted", signal.reason.name));
      tell("holding", rows[0].pid);
      await (job.correlationId === "busy" ? tx.query("select pg_sleep(60)") : goOn);
      tell("going on");
    }),
  ],
});
worker.on("leaseLost", () => tell("lease lost"));
worker.on("settled", ({ outcome }) => tell("settled", outcome));
worker.on("error", () => undefined);
process.on("unhandledRejection", (error) => tell("unhandled", String(error)));
// A parent that has gone has no use for it.
process.on("disconnect", () => process.exit());
await worker.start();
