import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { eventually } from "./eventually.ts";

/**
 * A port where nobody listens, below those that systems give to whoever asks for any: so it is still free when a test
 * comes back to it.
 */
export function lowPort(): Promise<number> {
  return eventually(async () => {
    const port = randomInt(10_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    await new Promise((resolve) => server.close(resolve));
    return port;
  });
}
