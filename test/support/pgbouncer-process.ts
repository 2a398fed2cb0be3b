import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { eventually } from "./eventually.ts";
import { lowPort } from "./low-port.ts";

const program = "/usr/sbin/pgbouncer";

/** A PgBouncer that runs. */
export interface PgBouncerProcess {
  /** The url of its target, through it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Whether this machine has a PgBouncer. */
export const hasPgBouncer = existsSync(program);

/** Starts PgBouncer in transaction mode before every database of a server. */
export async function runPgBouncer(target: string): Promise<PgBouncerProcess> {
  const port = await lowPort();
  const directory = await mkdtemp(join(tmpdir(), "pawl-pgbouncer-"));
  const server = new URL(target);
  const settings = [
    "[databases]",
    `* = host=${server.hostname} port=${server.port} user=${server.username}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "max_client_conn = 1000",
    "default_pool_size = 60",
  ];
  const file = join(directory, "pgbouncer.ini");
  await writeFile(file, `${settings.join("\n")}\n`);
  await chmod(directory, 0o755);
  const child = spawn(program, [file], { stdio: "ignore", ...account() });
  const url = Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href;
  await eventually(() => answers(url));
  return {
    url,
    stop: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("select");
  await client.end();
  return true;
}

// It refuses to run as root.
function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option: string): number =>
    Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}
