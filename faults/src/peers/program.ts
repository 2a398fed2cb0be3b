// A worker of a job system: it tells its parent when a job starts, and ends the job as the parent says.
import { peerNamed } from "./peers.ts";

const [name = "", url = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());

await peerNamed(name).work(url, async () => {
  process.send?.("started");
  const order = await new Promise<unknown>((resolve) => process.once("message", resolve));
  if (order === "fail") throw new Error("as told");
});
