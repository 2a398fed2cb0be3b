import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Proxy {
  /** The database behind the proxy. */
  readonly url: string;
  /** From here on nothing passes, and no connection is ended: what a network does that has gone. */
  freeze(): void;
  /** Cuts every connection. */
  cut(): void;
}

interface ProxyOptions {
  /** Tells clients a process id of its own making, as poolers do. */
  readonly posesAsPooler?: boolean;
}

/** A TCP proxy before a database, until the test has ended. */
export async function startProxy(
  databaseUrl: string,
  { posesAsPooler = false }: ProxyOptions = {},
): Promise<Proxy> {
  const url = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const target = { port: Number(url.port || 5432), host: url.hostname };
  const server = createServer((inside) => {
    const outside = connect(target);
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    if (posesAsPooler) outside.on("data", changeProcessId);
    inside.pipe(outside).pipe(inside);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return {
    url: url.href,
    cut,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

// BackendKeyData: K, a length of 12, the process id and a secret. Changed in place, before the pipe passes it on.
const backendKeyData = Buffer.from([0x4b, 0, 0, 0, 12]);

function changeProcessId(chunk: Buffer): void {
  const start = chunk.indexOf(backendKeyData);
  if (start !== -1) chunk.writeUInt32BE(2 ** 30, start + backendKeyData.length);
}
