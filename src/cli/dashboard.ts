import { once } from "node:events";
import { OptionError } from "../core/errors.ts";
import { within } from "../core/wait.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, describeTarget, type ConnectionOptions } from "./connection.ts";
import { linkLock, type Lock } from "./dashboard-lock.ts";
import { serveDashboard, type ServedOptions } from "./dashboard-server.ts";
import { exitStatus } from "./exit-status.ts";
import { parseHttpAddress } from "./http-server.ts";
import { loadDefinitions } from "./load-tasks.ts";
import { print, say } from "./terminal.ts";

/** What `pawl dashboard` takes. */
export interface DashboardCommandOptions extends ConnectionOptions {
  readonly port: string;
  readonly host: string;
  readonly environment?: string;
  readonly redact?: string;
  readonly tasks?: string;
}

const passwordVariable = "PAWL_DASHBOARD_PASSWORD";
const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "::1", "[::1]"]);
const shortestPassword = 12;
// What a batch of an operation may take to end; whoever comes next goes on from there anyway.
const closeMs = 1_000;

/** Serves the dashboard until SIGINT or SIGTERM. Prints the link that opens it. */
export async function dashboard(options: DashboardCommandOptions): Promise<number> {
  const database = connectionString(options);
  const served = servedOptions(options);
  const tasks = options.tasks === undefined ? [] : await loadDefinitions(options.tasks);
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const pawl = new Pawl({ database, schema: options.schema, tasks });
  try {
    const server = await serveDashboard(pawl, served);
    try {
      print(server.link);
      say(`pawl dashboard: ${describeTarget(options)}; ${hintFor(served.lock)}`);
      await stopped;
      return exitStatus.ok;
    } finally {
      server.close();
    }
  } finally {
    await within(closeMs, pawl.close());
  }
}

function servedOptions({ host, port, environment, redact }: DashboardCommandOptions): ServedOptions {
  return {
    address: parseHttpAddress("--host and --port", `${bracketed(host)}:${port}`),
    lock: lockOf(host),
    ...(environment !== undefined && { environment }),
    ...(redact !== undefined && { redact: redact.split(",").map((path) => path.trim()) }),
  };
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

// Whoever is not on this machine has to know a password.
function lockOf(host: string): Lock {
  const password = process.env[passwordVariable] ?? "";
  if (password === "" && loopback.has(host)) return linkLock();
  if (password.length >= shortestPassword) return { kind: "password", password };
  const option = password === "" ? "--host" : passwordVariable;
  const expected =
    password === ""
      ? `a loopback address, or a password in ${passwordVariable}`
      : `a password of at least ${shortestPassword} characters`;
  // Never the password.
  const got = password === "" ? JSON.stringify(host) : `one of ${password.length}`;
  throw new OptionError(`expected ${option} to be ${expected}, got ${got}`, {
    ...{ option, expected, got },
  });
}

function hintFor({ kind }: Lock): string {
  return kind === "link"
    ? "the link lets one browser in, once; Ctrl-C ends it"
    : `any name with the password of ${passwordVariable}; speak TLS before it; Ctrl-C ends it`;
}
