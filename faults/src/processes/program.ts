// A process of a run: a worker or a producer, as its assignment says. It tells its parent when it is ready, and everything it
// sees goes to the file of events.
import { Recorder } from "../evidence/recorder.ts";
import type { Assignment, Message } from "./assignment.ts";
import { importPawl } from "./pawl-module.ts";
import { migrateOften } from "./migrator.ts";
import { produce } from "./producer.ts";
import { work } from "./worker.ts";

const assignment = JSON.parse(process.argv[2] ?? "{}") as Assignment; // as the parent wrote it
const recorder = new Recorder(assignment.events);

for (const event of ["unhandledRejection", "uncaughtException", "warning"] as const) {
  process.on(event, (error: unknown) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const isOfOthers = event === "warning" && !text.startsWith("MaxListenersExceeded");
    if (!isOfOthers) recorder.record({ kind: "unhandled", message: `${event}: ${text}` });
  });
}
// A parent that has gone has no use for it.
const onDisconnect = () => process.exit();
process.on("disconnect", onDisconnect);

const { skewMs } = assignment;
if (skewMs !== undefined) skewClock(skewMs);

const setting = { assignment, recorder, pawl: await importPawl() };
const tell = (message: Message) => process.send?.(message);
if (assignment.role === "worker") await work(setting, tell);
else if (assignment.role === "producer") await produce(setting, tell);
else await migrateOften(setting, tell);

// From here on nothing may keep the process alive: that it ends shows that no timer, socket or thread was left.
process.removeListener("disconnect", onDisconnect);
process.disconnect();

/** The clock of a machine that is wrong; the monotonic one is right. */
function skewClock(byMs: number): void {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given: unknown[]) {
      // What `new Date` takes is passed on as it is.
      super(...((given.length === 0 ? [RealDate.now() + byMs] : given) as [number]));
    }

    static override now(): number {
      return RealDate.now() + byMs;
    }
  } as DateConstructor;
}
