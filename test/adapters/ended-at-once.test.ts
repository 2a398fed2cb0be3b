import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { Pawl } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { databaseUrl, freshSchemaName } from "../support/database.ts";

// ErrorResponse: FATAL, 57P01, "terminating connection due to administrator command".
const fields = "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0";
const fatal = Buffer.concat([Buffer.from("E\0\0\0\0"), Buffer.from(fields)]);
fatal.writeInt32BE(fatal.length - 1, 1);
const readyForQuery = Buffer.from("Z\0\0\0\x05I");

/** A way to the database on which the first session ends in the same moment in which it is ready. */
async function startEndingProxy(): Promise<string> {
  const url = new URL(databaseUrl());
  const target = { host: url.hostname, port: Number(url.port || 5432) };
  let isFirst = true;
  const server = createServer((inside) => {
    const outside = connect(target);
    inside.on("error", () => undefined).pipe(outside);
    outside.on("error", () => undefined);
    outside.on("data", (chunk) => {
      const isEnding = isFirst && chunk.subarray(-readyForQuery.length).equals(readyForQuery);
      if (!isEnding) {
        inside.write(chunk);
        return;
      }
      isFirst = false;
      inside.end(Buffer.concat([chunk, fatal]));
      outside.destroy();
    });
    inside.on("close", () => outside.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return url.href;
}

describe("a session that the server ends in the moment in which it is ready", () => {
  it("does not end the process: the call is made again on another", async () => {
    const schema = freshSchemaName();
    const pawl = new Pawl({ database: databaseUrl(), schema });
    await pawl.migrate();
    await pawl.close();
    const program = fileURLToPath(new URL("../fixtures/life.mjs", import.meta.url));
    const proxyUrl = await startEndingProxy();

    const child = spawn(process.execPath, [program, proxyUrl, schema, "producer"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    let complaints = "";
    child.stderr.on("data", (text: Buffer) => (complaints += text.toString()));
    const [status] = (await once(child, "close")) as [number | null];

    expect(complaints).toBe("");
    expect(status).toBe(0);
  });
});
