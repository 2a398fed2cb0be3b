import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OptionError } from "../core/errors.ts";
import { toNodeHandler } from "../dashboard/node-handler.ts";

/** Where to listen, and the option that said so. */
export interface HttpAddress {
  readonly option: string;
  readonly host: string;
  readonly port: number;
}

/** A server that listens, and where. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  close(): void;
}

/** Where only programs of this machine reach. */
export const loopback = "127.0.0.1";

const form = /^(?:(?<host>[\w.-]+|\[[\da-f:.]+\]):)?(?<port>\d{1,5})$/i;
// How long a request may take to arrive; nobody sends much.
const requestTimeoutMs = 10_000;

/** Reads `9464` (on the loopback address only), `0.0.0.0:9464` or `[::1]:9464`. Throws `OptionError`. */
export function parseHttpAddress(option: string, given: string): HttpAddress {
  const { host = loopback, port = "" } = form.exec(given)?.groups ?? {};
  if (port !== "" && Number(port) <= 65_535) {
    return { option, host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  }
  const expected = "a port, or a host and a port such as 0.0.0.0:9464";
  throw new OptionError(`expected ${option} to be ${expected}, got ${JSON.stringify(given)}`, {
    option,
    expected,
    got: JSON.stringify(given),
  });
}

/**
 * Serves requests with a handler, answers that are streams included; resolves when it listens, and rejects when it cannot. Port 0
 * is a free one.
 */
export async function serveHttp(
  address: HttpAddress,
  handler: (request: Request) => Promise<Response>,
): Promise<HttpServer> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, toNodeHandler(handler));
  server.listen(address.port, address.host);
  await once(server, "listening").catch((error: unknown) => {
    throw cannotListen(address, error);
  });
  // It listens; what it cannot accept now, it accepts later.
  server.on("error", () => undefined);
  return {
    ...whereOf(server),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function cannotListen({ option, host, port }: HttpAddress, error: unknown): OptionError {
  const expected = "an address of this host that nobody listens on";
  const got = `${host}:${port}`;
  const reason = error instanceof Error ? error.message : String(error);
  return new OptionError(`expected ${option} to be ${expected}, got ${got} (${reason})`, {
    ...{ option, expected, got },
    cause: error,
  });
}

function whereOf(server: Server): { readonly url: string; readonly port: number } {
  const { address, family, port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`, port };
}
