/** Finds the messages of PostgreSQL's protocol in a stream of bytes (documentation, 54.7). */
export class MessageSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #isFirst: boolean;

  /** A client's first message has no type. */
  constructor(from: "client" | "server") {
    this.#isFirst = from === "client";
  }

  split(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      const lengthAt = this.#isFirst ? 0 : 1;
      if (this.#rest.length < lengthAt + 4) return messages;
      const end = lengthAt + this.#rest.readUInt32BE(lengthAt);
      if (this.#rest.length < end) return messages;
      messages.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
      this.#isFirst = false;
    }
  }
}

/** Knows what statement a client's message asks to run. */
export class StatementReader {
  readonly #prepared = new Map<string, string>();

  /** The text of the statement that this message names or brings; undefined when it is about something else. */
  read(message: Buffer): string | undefined {
    const type = typeOf(message);
    if (type === "Q") return textAt(message, 5).text;
    if (type === "P") {
      const name = textAt(message, 5);
      const { text } = textAt(message, name.end);
      this.#prepared.set(name.text, text);
      return undefined;
    }
    if (type !== "B") return undefined;
    const portal = textAt(message, 5);
    return this.#prepared.get(textAt(message, portal.end).text);
  }
}

/** The letter that begins a message; "" for a client's first one. */
export function typeOf(message: Buffer): string {
  return message[0] === 0 ? "" : message.toString("latin1", 0, 1);
}

function textAt(message: Buffer, start: number): { text: string; end: number } {
  const end = message.indexOf(0, start);
  return { text: message.toString("utf8", start, end), end: end + 1 };
}
