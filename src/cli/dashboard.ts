import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OptionError } from "../core/errors.ts";
import { dashboard as makeDashboard, toNodeHandler } from "../dashboard/dashboard.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { integerOf } from "./inputs.ts";
import { loadTasks } from "./load-tasks.ts";
import { guarded, type Lock } from "./one-time-link.ts";
import { print, say } from "./terminal.ts";

/** What `pawl dashboard` takes. */
export interface DashboardCommandOptions extends ConnectionOptions {
  readonly port: string;
  readonly host: string;
  readonly environment?: string;
  readonly redact?: string;
  readonly tasks?: string;
}

const loopbackHosts = ["127.0.0.1", "localhost", "::1"];
const shortestPassword = 12;

/** Serves the dashboard until SIGINT or SIGTERM. */
export async function dashboard(options: DashboardCommandOptions): Promise<number> {
  const database = connectionString(options);
  const lock = lockOf(options.host);
  const { tasks } =
    options.tasks === undefined ? { tasks: [] } : await loadTasks(options.tasks);
  const pawl = new Pawl({ database, schema: options.schema, tasks });
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const server = createServer();
  try {
    await listen(server, options.host, integerOf("--port", options.port));
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const handler = guarded(lock, (authorize) =>
      makeDashboard(pawl, {
        authorize,
        ...(lock.kind === "link" && {
          hosts: loopbackHosts.map((host) => `${host.includes(":") ? `[${host}]` : host}:${port}`),
        }),
        ...(options.environment !== undefined && { environment: options.environment }),
        ...(options.redact !== undefined && { redact: options.redact.split(",") }),
      }),
    );
    const answer = toNodeHandler(handler);
    server.on("request", (incoming, outgoing) => void answer(incoming, outgoing));
    print(addressOf(options.host, port, lock));
    if (lock.kind === "link") say("pawl dashboard: open this link; it lets one browser in, once");
    await stopped;
    return exitStatus.ok;
  } finally {
    server.close();
    server.closeAllConnections();
    await pawl.close();
  }
}

// Whoever can reach another address than the loopback one has to know a password.
function lockOf(host: string): Lock {
  const password = process.env.PAWL_DASHBOARD_PASSWORD;
  if (password === undefined || password === "") {
    if (loopbackHosts.includes(host)) {
      return { kind: "link", token: randomBytes(32).toString("base64url") };
    }
    const expected = "an address of this machine alone, or PAWL_DASHBOARD_PASSWORD in the environment";
    throw new OptionError(`expected --host to be ${expected}, got ${JSON.stringify(host)}`, {
      ...{ option: "--host", expected, got: JSON.stringify(host) },
    });
  }
  if (password.length >= shortestPassword) return { kind: "password", password };
  const expected = `a password of at least ${shortestPassword} characters`;
  const got = `one of ${password.length}`;
  throw new OptionError(`expected PAWL_DASHBOARD_PASSWORD to be ${expected}, got ${got}`, {
    ...{ option: "PAWL_DASHBOARD_PASSWORD", expected, got },
  });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const expected = "an address of this host that nobody listens on";
    const got = `${host}:${port}`;
    throw new OptionError(`expected --host and --port to be ${expected}, got ${got}`, {
      ...{ option: "--port", expected, got, cause },
    });
  }
}

function addressOf(host: string, port: number, lock: Lock): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  const address = `http://${shown}:${port}/`;
  return lock.kind === "link" ? `${address}login?token=${lock.token}` : address;
}
