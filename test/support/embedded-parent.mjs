// A process that starts an embedded PostgreSQL, says where, and then ends, or does not, as its argument says.
import { startEmbeddedPostgres } from "pawl/embedded";

const [, , ending, options = "{}"] = process.argv;

// Before the server is ready, so that a test cannot interrupt too early.
if (ending === "ignore interrupts") process.on("SIGINT", () => undefined);

const { pid, url, dataDirectory } = await startEmbeddedPostgres(JSON.parse(options));
console.log(JSON.stringify({ pid, url, dataDirectory }));

if (ending === "exit") process.exit(3);
if (ending === "throw") throw new Error("thrown on purpose");
if (ending !== "return") setInterval(() => undefined, 1_000);
