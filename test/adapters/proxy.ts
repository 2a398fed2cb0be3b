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

/** A TCP proxy before a database, until the test has ended. */
export async function startProxy(databaseUrl: string): Promise<Proxy> {
  const url = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const target = { port: Number(url.port || 5432), host: url.hostname };
  const server = createServer((inside) => {
    const outside = connect(target);
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
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
