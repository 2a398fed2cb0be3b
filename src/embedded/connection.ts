import { connect } from "node:net";
import type { Socket } from "node:net";

/** Where to connect to, and what to run there. */
export interface ConnectionAttempt {
  readonly port: number;
  readonly database: string;
  /** One statement without parameters. */
  readonly statement?: string;
}

/** What the server said: that it did what was asked, or why not, by SQLSTATE. */
export type Answer =
  | { readonly ok: true }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string };

const protocolVersion = 196_608; // 3.0
const answerLimitMs = 5_000;

/**
 * Connects as `postgres` on the loopback address, runs the statement if there is one, and disconnects. This is the
 * start of the frontend/backend protocol and no more, so that starting a server needs no driver
 * (https://www.postgresql.org/docs/current/protocol-flow.html). Rejects when nobody answers.
 */
export function tryConnection(attempt: ConnectionAttempt): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: attempt.port });
    const conversation = new Conversation(socket, attempt.statement);
    socket.setTimeout(answerLimitMs, () => socket.destroy(new Error("the server did not answer")));
    socket.on("connect", () => socket.write(startupPacket(attempt.database)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed the connection")));
    socket.on("data", (chunk) => {
      const answer = conversation.receive(chunk);
      if (answer === undefined) return;
      resolve(answer);
      socket.end(message("X", ""));
    });
  });
}

class Conversation {
  readonly #socket: Socket;
  #statement: string | undefined;
  #received = Buffer.alloc(0);
  #hasBegun = false;
  #failure: Answer | undefined;

  constructor(socket: Socket, statement: string | undefined) {
    this.#socket = socket;
    this.#statement = statement;
  }

  /** Takes in what came, and returns the answer once it is complete. */
  receive(chunk: Buffer): Answer | undefined {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 5) {
      const end = 1 + this.#received.readInt32BE(1);
      if (this.#received.length < end) return undefined;
      const type = String.fromCharCode(this.#received.readUInt8(0));
      const body = this.#received.toString("utf8", 5, end);
      this.#received = this.#received.subarray(end);
      const answer = this.#handle(type, body);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  #handle(type: string, body: string): Answer | undefined {
    if (type === "E") {
      this.#failure = readError(body);
      // An error before the session has begun ends the connection; a later one is followed by "ready for query".
      return this.#hasBegun ? undefined : this.#failure;
    }
    return type === "Z" ? this.#handleReady() : undefined;
  }

  #handleReady(): Answer | undefined {
    this.#hasBegun = true;
    if (this.#statement === undefined) return this.#failure ?? { ok: true };
    this.#socket.write(message("Q", `${this.#statement}\0`));
    this.#statement = undefined;
    return undefined;
  }
}

function startupPacket(database: string): Buffer {
  const body = Buffer.from(`user\0postgres\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, body]);
}

function message(type: string, body: string): Buffer {
  const content = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

function readError(body: string): Answer {
  const fields = new Map(body.split("\0").map((field) => [field.slice(0, 1), field.slice(1)]));
  return { ok: false, sqlstate: fields.get("C") ?? "", message: fields.get("M") ?? "" };
}
