import { once } from "node:events";
import { userInfo } from "node:os";
import { OptionError } from "../core/errors.ts";
import { dashboard as createDashboard, type ShownPawl } from "../dashboard/dashboard.ts";
import { Pawl } from "../pawl.ts";
import { connectionString, type ConnectionOptions } from "./connection.ts";
import { linkAccess, passwordAccess, type Access } from "./dashboard-access.ts";
import { exitStatus } from "./exit-status.ts";
import { loopback, serveHttp, type HttpServer } from "./http-server.ts";
import { integerOf } from "./inputs.ts";
import { loadTasks } from "./load-tasks.ts";
import { print } from "./terminal.ts";

/** What `pawl dashboard` takes. */
export interface DashboardCommandOptions extends ConnectionOptions {
  readonly port: string;
  readonly host: string;
  readonly environment?: string;
  readonly redact?: string;
  readonly tasks?: string;
}

/** What a dashboard of the command line shows, and where. */
interface Served {
  readonly host: string;
  readonly port: number;
  readonly environment?: string;
  readonly redact?: readonly string[];
}

const passwordVariable = "PAWL_DASHBOARD_PASSWORD";
const largestPort = 65_535;
// What this machine calls itself, where nobody else can reach it.
const loopbackHosts = new Set([loopback, "localhost", "::1"]);

/** Serves the dashboard until SIGINT or SIGTERM, and prints the link that opens it. */
export async function dashboard(options: DashboardCommandOptions): Promise<number> {
  const database = connectionString(options);
  const { environment, redact } = options;
  const served = {
    host: options.host,
    port: portOf(options.port),
    ...(environment !== undefined && { environment }),
    ...(redact !== undefined && { redact: redact.split(",").map((path) => path.trim()) }),
  };
  const access = accessTo(options.host);
  const tasks = options.tasks === undefined ? [] : (await loadTasks(options.tasks)).tasks;
  const pawl = new Pawl({ database, schema: options.schema, tasks });
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  try {
    const { link, close } = await serveDashboard(pawl, served, access);
    print(link);
    await stopped;
    close();
    return exitStatus.ok;
  } finally {
    await pawl.close();
  }
}

/** Serves the dashboard of a Pawl, and says what link opens it. Rejects with `OptionError` when it cannot listen there. */
export async function serveDashboard(
  pawl: ShownPawl,
  { host, port, ...shown }: Served,
  access: Access = accessTo(host),
): Promise<{ readonly link: string; readonly close: () => void }> {
  const server = await serveHttp({ option: "--port", host, port }, (request) =>
    access.around(request, (asked) => handler(asked)),
  );
  // The names it may be called by end with the port that it got.
  const handler = createDashboard(pawl, {
    authorize: (request) => access.authorize(request),
    ...shown,
    ...(loopbackHosts.has(host) && { hosts: namesOf(server) }),
  });
  return {
    link: server.url + access.link,
    close() {
      server.close();
    },
  };
}

function accessTo(host: string): Access {
  const password = process.env[passwordVariable] ?? "";
  if (password !== "") return passwordAccess(password);
  if (loopbackHosts.has(host)) return linkAccess(userName());
  const expected = `a loopback address such as ${loopback}, or a password in ${passwordVariable}`;
  throw new OptionError(
    `expected --host to be ${expected}, got ${JSON.stringify(host)} and no password; ` +
      "without one, everybody who can reach it could do everything",
    { option: "--host", expected, got: JSON.stringify(host) },
  );
}

function namesOf({ port }: HttpServer): readonly string[] {
  return [`${loopback}:${port}`, `localhost:${port}`, `[::1]:${port}`];
}

function portOf(given: string): number {
  const port = integerOf("--port", given);
  if (port >= 0 && port <= largestPort) return port;
  throw new OptionError(`expected --port to be a port, got ${given}`, {
    ...{ option: "--port", expected: "a port", got: given },
  });
}

// For the audit; a container may run as somebody without a name.
function userName(): string {
  try {
    return userInfo().username || "operator";
  } catch {
    return "operator";
  }
}
