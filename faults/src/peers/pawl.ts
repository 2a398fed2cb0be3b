import { defineTask, Pawl } from "pawl";
import { execute } from "../servers/admin.ts";
import type { Peer } from "./peer.ts";

const task = defineTask({ name: "job", retry: { retries: 2, delays: [0] } });

export const pawl: Peer = {
  name: "pawl",
  expiry: "its lease of 2 s",
  prepare: async (url) => {
    await using pawl = new Pawl({ database: url });
    await pawl.migrate();
    await pawl.enqueue(task);
  },
  work: async (url, run) => {
    const worker = new Pawl({ database: url }).worker({
      handlers: [task.handle(run)],
      ...{ lease: "2s", pollInterval: "200ms" },
    });
    worker.on("error", () => undefined);
    await worker.start();
  },
  // The workers that live see to it.
  expire: () => Promise.resolve(),
  state: async (url) => {
    const [live] = await execute<{ state: string }>(url, "select state from pawl.jobs");
    if (live !== undefined) return live.state;
    const [last] = await execute<{ outcome: string }>(
      url,
      "select outcome from pawl.history where final",
    );
    return last?.outcome ?? "gone";
  },
};
