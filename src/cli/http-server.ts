import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OptionError } from "../core/errors.ts";
import { toNodeHandler, type FetchHandler } from "../dashboard/to-node-handler.ts";

/** Where to listen. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** A server that listens, and where. */
export interface HttpServer {
  readonly url: string;
  close(): void;
}

const loopback = "127.0.0.1";
const form = /^(?:(?<host>[\w.-]+|\[[\da-f:.]+\]):)?(?<port>\d{1,5})$/i;
// Nobody who scrapes sends more.
const requestTimeoutMs = 10_000;

/** Reads `9464` (on the loopback address only), `0.0.0.0:9464` or `[::1]:9464`. Throws `OptionError`. */
export function parseHttpAddress(option: string, given: string): HttpAddress {
  const { host = loopback, port = "" } = form.exec(given)?.groups ?? {};
  if (port !== "" && Number(port) <= 65_535) {
    return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  }
  const expected = "a port, or a host and a port such as 0.0.0.0:9464";
  throw new OptionError(`expected ${option} to be ${expected}, got ${JSON.stringify(given)}`, {
    option,
    expected,
    got: JSON.stringify(given),
  });
}

/** Serves requests with a handler; resolves when it listens, and rejects when it cannot. Port 0 is a free one. */
export async function serveHttp(
  { host, port }: HttpAddress,
  handler: FetchHandler,
  option = "--http",
): Promise<HttpServer> {
  const answer = toNodeHandler(handler);
  const server = createServer({ requestTimeout: requestTimeoutMs }, (incoming, outgoing) => {
    void answer(incoming, outgoing);
  });
  server.listen(port, host);
  await once(server, "listening").catch((error: unknown) => {
    throw cannotListen({ host, port }, option, error);
  });
  // It listens; what it cannot accept now, it accepts later.
  server.on("error", () => undefined);
  return {
    url: urlOf(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function cannotListen({ host, port }: HttpAddress, option: string, error: unknown): OptionError {
  const expected = "an address of this host that nobody listens on";
  const got = `${host}:${port}`;
  const reason = error instanceof Error ? error.message : String(error);
  return new OptionError(`expected ${option} to be ${expected}, got ${got} (${reason})`, {
    ...{ option, expected, got },
    cause: error,
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo; // it listens on TCP
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
