import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(
  new URL("./dist/cli/main.js", import.meta.resolve("pawl/package.json")),
);

/** The dashboard of a demo: `npx pawl dashboard`, as anybody would start it. */
export class DashboardProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Opens it, once. */
  readonly link: string;

  private constructor(child: ChildProcess, link: string) {
    this.#child = child;
    this.#ended = child.exitCode === null ? once(child, "exit") : Promise.resolve();
    this.link = link;
  }

  /** Rejects when it does not come up; what it says of that is on stderr. */
  static async start({ url, schema }: { url: string; schema: string }): Promise<DashboardProcess> {
    const given = ["dashboard", "--schema", schema, "--port", "0", "--environment", "demo"];
    const child = spawn(process.execPath, [program, ...given], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ["ignore", "pipe", "inherit"],
      // Ctrl-C goes to all of a terminal's processes: this one is ended when the demo is.
      detached: true,
    });
    for await (const line of createInterface(child.stdout))
      return new DashboardProcess(child, line);
    throw new Error("the dashboard did not start");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#ended;
  }
}
