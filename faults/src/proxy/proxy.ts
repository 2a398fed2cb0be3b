import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { within } from "../within.ts";
import { fair, Link, type Trap, type Weather } from "./link.ts";

/** Stands between a process and its database, and fails as networks do. */
export class Proxy {
  /** The database behind it. */
  readonly url: string;
  weather: Weather = fair;
  /** Turns new connections away. */
  isRefusing = false;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #traps = new Set<Trap>();
  #target: URL;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
    const url = new URL(target);
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("expected a port");
    url.hostname = "127.0.0.1";
    url.port = String(address.port);
    this.url = url.href;
    server.on("connection", (client) => {
      if (this.isRefusing) {
        client.resetAndDestroy();
        return;
      }
      const link = new Link(client, {
        target: this.#target,
        weather: () => this.weather,
        trapFor: (statement) => this.#trapFor(statement),
      });
      this.#links.add(link);
      client.on("close", () => this.#links.delete(link));
    });
  }

  /** On a port of the loopback address. */
  static async start(targetUrl: string): Promise<Proxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Proxy(server, new URL(targetUrl));
  }

  /** From here on it leads to another server. */
  leadTo(targetUrl: string): void {
    const { hostname, port } = new URL(targetUrl);
    this.#target = Object.assign(new URL(this.#target), { hostname, port });
  }

  trap(trap: Trap): void {
    this.#traps.add(trap);
  }

  /** Lays a trap for so many milliseconds; resolves with whether it has sprung. */
  async springs(trap: Omit<Trap, "sprung">, withinMs: number): Promise<boolean> {
    const sprung = new Promise<void>((resolve) => {
      this.trap({ ...trap, sprung: resolve });
    });
    const hasSprung = await within(withinMs, sprung);
    this.dropTraps();
    return hasSprung;
  }

  dropTraps(): void {
    this.#traps.clear();
  }

  /** Ends every connection. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  async close(): Promise<void> {
    this.isRefusing = true;
    for (const link of this.#links) link.cut();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #trapFor(statement: string): Trap | undefined {
    const trap = [...this.#traps].find(({ matches }) => matches.test(statement));
    if (trap !== undefined) this.#traps.delete(trap);
    return trap;
  }
}
