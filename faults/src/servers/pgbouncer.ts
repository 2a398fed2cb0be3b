import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverAccount } from "./account.ts";
import { untilAnswering } from "./admin.ts";

const program = "/usr/sbin/pgbouncer";
const answersWithinMs = 10_000;

/** Why there is none, if so. */
export function pgBouncerLacking(): string | undefined {
  return existsSync(program) ? undefined : `there is no ${program}: apt-get install pgbouncer`;
}

/** PgBouncer before a database, in transaction mode. */
export class PgBouncer {
  /** The database behind it. */
  readonly url: string;
  /** Its own console. */
  readonly consoleUrl: string;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(
    urls: { url: string; consoleUrl: string },
    directory: string,
    child: ChildProcess,
  ) {
    this.url = urls.url;
    this.consoleUrl = urls.consoleUrl;
    this.#directory = directory;
    this.#child = child;
  }

  static async start(target: string, poolSize: number): Promise<PgBouncer> {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), "pawl-faults-bouncer-"));
    const { hostname, port: targetPort, pathname } = new URL(target);
    const settings = [
      "[databases]",
      `* = host=${hostname} port=${targetPort} user=postgres`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      "pool_mode = transaction",
      `default_pool_size = ${poolSize}`,
      "max_client_conn = 500",
      "admin_users = postgres",
    ];
    const file = join(directory, "pgbouncer.ini");
    await writeFile(file, `${settings.join("\n")}\n`);
    await chmod(directory, 0o755);
    const child = spawn(program, [file], { stdio: "ignore", ...serverAccount() });
    child.on("error", () => undefined);
    const url = `postgresql://postgres@127.0.0.1:${port}${pathname}`;
    const consoleUrl = Object.assign(new URL(url), { pathname: "/pgbouncer" }).href;
    await untilAnswering(url, answersWithinMs);
    return new PgBouncer({ url, consoleUrl }, directory, child);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}
