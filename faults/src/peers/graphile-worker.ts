import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { execute } from "../servers/admin.ts";
import type { Peer } from "./peer.ts";

const quiet = new Logger(() => () => undefined);

export const graphileWorker: Peer = {
  name: "graphile-worker",
  expiry: "`forceUnlockWorkers`, since it takes 4 hours by itself",
  prepare: async (url) => {
    const utils = await makeWorkerUtils({ connectionString: url, logger: quiet });
    await utils.migrate();
    await utils.addJob("job", {}, { maxAttempts: 3 });
    await utils.release();
  },
  work: async (url, job) => {
    await run({
      ...{ connectionString: url, logger: quiet, pollInterval: 200, noHandleSignals: true },
      taskList: { job },
    });
  },
  expire: async (url) => {
    const [row] = await execute<{ locked_by: string }>(
      url,
      "select locked_by from graphile_worker._private_jobs",
    );
    const utils = await makeWorkerUtils({ connectionString: url, logger: quiet });
    await utils.forceUnlockWorkers([row?.locked_by ?? ""]);
    await utils.release();
  },
  state: async (url) => {
    const [row] = await execute<{ locked_at: Date | null }>(
      url,
      "select locked_at from graphile_worker._private_jobs",
    );
    if (row === undefined) return "gone, as completed";
    return row.locked_at === null ? "waiting" : "running";
  },
};
