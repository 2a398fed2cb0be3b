import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { EmbeddedPostgresError } from "../core/errors.ts";

/** Finds a port on which nobody listens. */
export function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Refuses a port on which somebody listens, or that this user may not use. */
export async function checkPort(port: number): Promise<void> {
  try {
    await listenOnce(port);
  } catch (error) {
    throw portTaken(port, error);
  }
}

/** The error for a port that the server cannot have. */
export function portTaken(port: number, cause: unknown): EmbeddedPostgresError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `expected port ${port} to be free for the embedded PostgreSQL, but it is not (${reason}). ` +
      "Stop what uses it, give another `port`, or leave it out to have a free one chosen.",
    { cause },
  );
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const { port: chosen } = server.address() as AddressInfo; // a TCP server's address always is one
      server.close(() => resolve(chosen));
    });
  });
}
