import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { gate } from "./gate.ts";

/** What happens to the connection on which a text is sent to the server. */
export type Loss =
  /** It is cut before the text has gone out. */
  | "before it arrives"
  /** It is cut when the server has done it, instead of passing the answer on. */
  | "before the reply";

export interface LossyProxy {
  /** The database behind the proxy. */
  readonly url: string;
  /** The next connection that sends this text is lost; resolves when that has happened. */
  lose(text: string, loss: Loss): Promise<void>;
}

interface Trap {
  readonly text: string;
  readonly loss: Loss;
  readonly sprung: () => void;
}

/** A TCP proxy before a database, which cuts connections at a chosen statement; until the test has ended. */
export async function startLossyProxy(databaseUrl: string): Promise<LossyProxy> {
  const url = new URL(databaseUrl);
  const target = { port: Number(url.port || 5432), host: url.hostname };
  const traps: Trap[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay().on("error", () => undefined);
    }
    join(client, upstream, traps);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    lose(text, loss) {
      const { opened, open } = gate();
      traps.push({ text, loss, sprung: open });
      return opened;
    },
  };
}

function join(client: Socket, upstream: Socket, traps: Trap[]): void {
  let held: Trap | undefined;
  const cut = (trap: Trap): void => {
    client.destroy();
    upstream.destroy();
    trap.sprung();
  };
  client.on("data", (data) => {
    const found = traps.findIndex(({ text }) => data.includes(text));
    const [trap] = found === -1 ? [] : traps.splice(found, 1);
    if (trap?.loss === "before it arrives") {
      cut(trap);
      return;
    }
    held ??= trap;
    upstream.write(data);
  });
  upstream.on("data", (data) => {
    if (held === undefined) client.write(data);
    else if (endsWithReady(data)) cut(held);
  });
  client.on("close", () => upstream.end());
  upstream.on("close", () => client.end());
}

// ReadyForQuery: the server has done all that it was asked for.
function endsWithReady(data: Buffer): boolean {
  return data.subarray(-6, -1).equals(Buffer.from([0x5a, 0, 0, 0, 5]));
}
