import { dashboard, type AnyPawl, type FetchHandler } from "../dashboard/dashboard.ts";
import { linkTo, locked, type Lock } from "./dashboard-lock.ts";
import { serveHttp, type HttpAddress } from "./http-server.ts";

/** A dashboard that is served, and what to open to see it. */
export interface ServedDashboard {
  readonly link: string;
  close(): void;
}

/** What is served, and to whom. */
export interface ServedOptions {
  readonly address: HttpAddress;
  readonly lock: Lock;
  readonly redact?: readonly string[];
  readonly environment?: string;
}

/** Serves the dashboard of a `Pawl`; port 0 is a free one. Throws `OptionError` when it cannot listen. */
export async function serveDashboard(
  pawl: AnyPawl,
  { address, lock, ...options }: ServedOptions,
): Promise<ServedDashboard> {
  let handler: FetchHandler = () => Promise.resolve(new Response(null, { status: 503 }));
  const server = await serveHttp(address, (request) => handler(request), "--port");
  const port = Number(new URL(server.url).port) || 80;
  try {
    handler = locked(lock, port, (authorize) =>
      dashboard(pawl, { authorize, ...options, ...(lock.kind === "link" && { hosts: names(port) }) }),
    );
  } catch (error) {
    server.close();
    throw error;
  }
  return { link: linkTo(server.url, lock), close: () => server.close() };
}

// Only this machine reaches the loopback address, but any page may have a name that leads to it.
function names(port: number): string[] {
  return ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
}
