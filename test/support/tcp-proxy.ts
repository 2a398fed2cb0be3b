import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { MessageSplitter, typeOf } from "../../faults/src/proxy/messages.ts";
import { databaseUrl } from "./database.ts";

/** One message of PostgreSQL's protocol: its type ("" for the first of a client) and its bytes as Latin-1 text. */
export interface ProtocolMessage {
  readonly type: string;
  readonly text: string;
}

type Matches = (message: ProtocolMessage) => boolean;

/** Stands between clients and the database, and fails as networks and servers do. */
export interface TcpProxy {
  /** The database behind the proxy. */
  readonly url: string;
  /** How many connections were made through it. */
  readonly connections: number;
  /** How many statements clients have sent. */
  readonly statements: number;
  /** How many connections it has turned away. */
  readonly refusals: number;
  /** Cuts every connection. */
  cut(): void;
  /** Cuts every connection and turns new ones away, as a server does that is down. */
  refuse(): void;
  /** Takes connections again. */
  accept(): void;
  /** From here on nothing passes on the connections there are, and none is ended: what a network does that has gone. */
  silence(): void;
  /** Cuts the connection on which the server's `count`-th message from now has passed. */
  cutAfterServerMessages(count: number): void;
  /**
   * Passes on the next message of a client that matches, and what belongs to it, and keeps the server's whole answer
   * back: what was asked has been done, and nobody was told. Then it cuts the connection; resolves when it has.
   */
  cutReplyTo(matches: Matches): Promise<void>;
  /** The same, but the connection stays, and is silent. */
  swallowReplyTo(matches: Matches): Promise<void>;
}

interface Trap {
  readonly matches: Matches;
  readonly cuts: boolean;
  readonly sprung: () => void;
}

interface Faults {
  readonly traps: Set<Trap>;
  serverMessagesLeft: number;
  statements: number;
}

/** A proxy before a database without TLS, until the test has ended. */
export async function startTcpProxy(target: string = databaseUrl()): Promise<TcpProxy> {
  const links = new Set<Link>();
  const faults: Faults = { traps: new Set(), serverMessagesLeft: Infinity, statements: 0 };
  const counts = { connections: 0, refusals: 0 };
  let isRefusing = false;
  const server = createServer((inside) => {
    if (isRefusing) {
      counts.refusals += 1;
      inside.destroy();
      return;
    }
    counts.connections += 1;
    const link = new Link(inside, connectTo(target), faults);
    links.add(link);
    inside.on("close", () => links.delete(link));
  });
  const url = await listen(server, target);
  const each = (act: (link: Link) => void): void => {
    for (const link of links) act(link);
  };
  const cut = (): void => {
    each((link) => {
      link.cut();
    });
  };
  const trap = (matches: Matches, cuts: boolean): Promise<void> =>
    new Promise((sprung) => faults.traps.add({ matches, cuts, sprung }));
  onTestFinished(() => {
    cut();
    server.close();
  });
  return {
    url,
    get connections() {
      return counts.connections;
    },
    get statements() {
      return faults.statements;
    },
    get refusals() {
      return counts.refusals;
    },
    cut,
    refuse() {
      isRefusing = true;
      cut();
    },
    accept() {
      isRefusing = false;
    },
    silence() {
      each((link) => {
        link.silence();
      });
    },
    cutAfterServerMessages(count) {
      faults.serverMessagesLeft = count;
    },
    cutReplyTo: (matches) => trap(matches, true),
    swallowReplyTo: (matches) => trap(matches, false),
  };
}

/** Matches a statement that a client sends for the first time, and one that has this text among its values. */
export function mentions(text: string): Matches {
  return (message) => ["Q", "P", "B"].includes(message.type) && message.text.includes(text);
}

/** One connection of a client and the one to the server that belongs to it. */
class Link {
  readonly #inside: Socket;
  readonly #outside: Socket;
  readonly #faults: Faults;
  #trap: Trap | undefined;
  #isSilent = false;

  constructor(inside: Socket, outside: Socket, faults: Faults) {
    this.#inside = inside;
    this.#outside = outside;
    this.#faults = faults;
    this.#forward(inside, new MessageSplitter("client"), (message, bytes) => {
      this.#passOn(message, bytes);
    });
    this.#forward(outside, new MessageSplitter("server"), (message, bytes) => {
      this.#passBack(message, bytes);
    });
  }

  cut(): void {
    this.#inside.destroy();
    this.#outside.destroy();
  }

  silence(): void {
    this.#isSilent = true;
  }

  #forward(
    from: Socket,
    splitter: MessageSplitter,
    pass: (message: ProtocolMessage, bytes: Buffer) => void,
  ): void {
    from.setNoDelay();
    from.on("error", () => undefined);
    from.on("close", () => {
      this.cut();
    });
    from.on("data", (chunk) => {
      for (const bytes of splitter.split(chunk)) {
        if (this.#isSilent) return;
        pass({ type: typeOf(bytes), text: bytes.toString("latin1") }, bytes);
      }
    });
  }

  #passOn(message: ProtocolMessage, bytes: Buffer): void {
    // A simple query, or the execution of a prepared one.
    if (message.type === "Q" || message.type === "E") this.#faults.statements += 1;
    const trap = [...this.#faults.traps].find(({ matches }) => matches(message));
    if (trap !== undefined) {
      this.#faults.traps.delete(trap);
      this.#trap = trap;
    }
    this.#outside.write(bytes);
  }

  #passBack({ type }: ProtocolMessage, bytes: Buffer): void {
    if (this.#trap !== undefined) {
      // ReadyForQuery: the server has done it all, and committed it unless a transaction is open.
      if (type === "Z") this.#spring(this.#trap);
      return;
    }
    this.#inside.write(bytes);
    this.#faults.serverMessagesLeft -= 1;
    if (this.#faults.serverMessagesLeft === 0) this.cut();
  }

  #spring(trap: Trap): void {
    if (trap.cuts) this.cut();
    else this.silence();
    trap.sprung();
  }
}

function connectTo(target: string): Socket {
  const { hostname: host, port } = new URL(target);
  return connect({ host, port: Number(port || 5432) });
}

async function listen(server: ReturnType<typeof createServer>, target: string): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return url.href;
}
