import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Pawl } from "pawl";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { moduleOf, startPawl } from "./pawl-command.ts";

const within = 30_000;
const saying = (word: string) =>
  `import { defineTask } from "pawl";
   export const say = defineTask({ name: "say", storeOutput: true, run: () => ${JSON.stringify(word)} });`;

it(
  "has a database, a worker that starts anew when its file changes, and leaves nothing running",
  { timeout: 120_000 },
  async () => {
    const tasks = moduleOf("tasks.mjs", saying("one"));
    const data = join(temporaryDirectory(), "data");
    const given = ["dev", "--tasks", tasks, "--data", data];
    const command = startPawl(given, { directory: dirname(tasks) });
    await command.says("worker started");
    const [, url = ""] = /DATABASE_URL=(\S+)/.exec(command.stdout) ?? [];
    const [, dashboard = ""] = /DASHBOARD_URL=(\S+)/.exec(command.stdout) ?? [];
    expect((await fetch(dashboard, { redirect: "manual" })).status).toBe(303);
    const pawl = new Pawl({ database: url });
    onTestFinished(() => pawl.close());
    const outputOf = async (): Promise<unknown> => {
      const { job } = await pawl.enqueueByName("say");
      return eventually(
        async () => (await pawl.history.attempts(job)).find(({ final }) => final)?.output,
        { within },
      );
    };

    expect(await outputOf()).toBe("one");
    writeFileSync(tasks, saying("two"));
    await command.says("a file has changed");
    await eventually(() => command.stderr.split("worker started").length > 2, { within });
    expect(await outputOf()).toBe("two");

    // A file that cannot be loaded ends the worker, and the next change brings it back.
    writeFileSync(tasks, "export const = ;");
    await command.says("the worker has ended");
    writeFileSync(tasks, saying("three"));
    await eventually(() => command.stderr.split("worker started").length > 3, { within });
    expect(await outputOf()).toBe("three");

    await pawl.close();
    command.process.kill("SIGINT");
    expect((await command.ended).status).toBe(0);
    const again = new Pawl({ database: url });
    onTestFinished(() => again.close());
    await expect(again.queues.list()).rejects.toThrow();
  },
);
