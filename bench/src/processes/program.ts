// A process of a benchmark: opens one contender, and does what its parent says.
import type { Place } from "../contenders/contender.ts";
import { Commands } from "./commands.ts";

/** What the parent sends; each is answered by a `Reply` with its id. */
export interface Call {
  readonly id: number;
  readonly command: string;
  readonly given: unknown[];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly executed: number };

const reportEveryMs = 10;
let commands: Commands | undefined;

process.on("message", (call: Call) => {
  answer(call).then(
    (result) => send({ id: call.id, result }),
    (error: unknown) =>
      send({ id: call.id, error: error instanceof Error ? (error.stack ?? "") : String(error) }),
  );
});
process.on("disconnect", () => process.exit());

let told = 0;
setInterval(() => {
  const executed = commands?.executed() ?? 0;
  if (executed === told) return;
  told = executed;
  send({ executed });
}, reportEveryMs);

async function answer({ command, given }: Call): Promise<unknown> {
  if (command === "open") {
    const [name, place] = given as [string, Place];
    commands = await Commands.open(name, place);
    return undefined;
  }
  if (commands === undefined) throw new Error(`expected "open" first, got "${command}"`);
  const method: unknown = Reflect.get(commands, command);
  if (typeof method !== "function") throw new Error(`expected a command, got "${command}"`);
  const result: unknown = Reflect.apply(method, commands, given);
  return await result;
}

function send(reply: Reply): void {
  process.send?.(reply);
}
