import { connect, type Socket } from "node:net";
import { Lane } from "./lane.ts";
import { MessageSplitter, StatementReader, typeOf } from "./messages.ts";

/** What is wrong with the network now. */
export interface Weather {
  /** Added to each message in each direction, in milliseconds: from half of it to all. */
  readonly latencyMs: number;
  /** In pieces of so many bytes. */
  readonly pieceBytes: number;
  /** What no longer passes, and is not told either: nothing, everything, or what the sessions that listen hear. */
  readonly silence: "none" | "all" | "listeners";
}

export const fair: Weather = { latencyMs: 0, pieceBytes: Infinity, silence: "none" };

/** When the wire is cut at a statement. */
export type Moment =
  | "before it is forwarded"
  /** It is not cut: the statement, and what is said after it, arrives late. */
  | "late"
  /** The server has done it, and its reply is dropped. */
  | "before its reply"
  /** Of the reply, some bytes pass. */
  | "amid its reply"
  /** Never: the trap only tells that the whole reply has passed. */
  | "never";

/** Cuts the connection at the next message of a client that runs a statement with such a text. */
export interface Trap {
  readonly matches: RegExp;
  readonly moment: Moment;
  /** How late it arrives, where it does, in milliseconds. */
  readonly lateMs?: number;
  /** Called when that has happened: when it begins to be late. */
  readonly sprung: () => void;
}

interface LinkOptions {
  readonly target: URL;
  readonly weather: () => Weather;
  /** Takes the trap that this statement springs off the list. */
  readonly trapFor: (statement: string) => Trap | undefined;
}

/** One connection of a client, and the one to the server that belongs to it. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: LinkOptions;
  readonly #reader = new StatementReader();
  readonly #toServer: Lane;
  readonly #toClient: Lane;
  #sprung: Trap | undefined;
  #isListening = false;
  #isLost = false;

  constructor(client: Socket, options: LinkOptions) {
    this.#client = client;
    this.#options = options;
    const { hostname: host, port } = options.target;
    this.#server = connect({ host, port: Number(port) });
    this.#toServer = new Lane(this.#server);
    this.#toClient = new Lane(this.#client);
    for (const socket of [this.#client, this.#server]) {
      socket.setNoDelay().on("error", () => undefined);
      socket.on("close", () => {
        this.cut();
      });
    }
    const fromClient = new MessageSplitter("client");
    const fromServer = new MessageSplitter("server");
    this.#client.on("data", (chunk) => {
      for (const message of fromClient.split(chunk)) this.#up(message);
    });
    this.#server.on("data", (chunk) => {
      for (const message of fromServer.split(chunk)) this.#down(message);
    });
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** As a network device does that has forgotten the connection. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  #up(message: Buffer): void {
    const statement = this.#reader.read(message);
    if (statement !== undefined && this.#sprung === undefined) {
      if (/^\s*listen/i.test(statement)) this.#isListening = true;
      const trap = this.#options.trapFor(statement);
      if (trap?.moment === "before it is forwarded") {
        this.#spring(trap);
        return;
      }
      if (trap?.moment === "late") {
        this.#toServer.hold(trap.lateMs ?? 0);
        trap.sprung();
      } else this.#sprung = trap;
    }
    this.#pass(this.#toServer, message);
  }

  #down(message: Buffer): void {
    const trap = this.#sprung;
    // ReadyForQuery: the server has done all of it.
    const isEnd = typeOf(message) === "Z";
    if (trap === undefined || trap.moment === "never") this.#pass(this.#toClient, message);
    if (trap === undefined) return;
    if (trap.moment === "amid its reply") this.#client.write(message.subarray(0, 3));
    if (trap.moment === "amid its reply" || isEnd) this.#spring(trap);
  }

  #spring(trap: Trap): void {
    if (trap.moment === "never") this.#sprung = undefined;
    else {
      this.#sprung = trap;
      this.reset();
    }
    trap.sprung();
  }

  #pass(lane: Lane, message: Buffer): void {
    const { latencyMs, pieceBytes, silence } = this.#options.weather();
    // What has lost a byte is of no use any more, and neither side is told.
    this.#isLost ||= silence === "all" || (silence === "listeners" && this.#isListening);
    if (this.#isLost) return;
    const size = Math.min(pieceBytes, message.length);
    for (let start = 0; start < message.length; start += size) {
      lane.send(message.subarray(start, start + size), latencyMs);
    }
  }
}
