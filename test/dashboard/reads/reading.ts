import type { Reads } from "#pawl/dashboard/api";
import type { Identity, ReadContext } from "#pawl/dashboard/context";
import { makeReads, type TableReads } from "#pawl/dashboard/reads/reads";
import type { AnyTask, Pawl } from "pawl";
import type { Engine } from "../../support/engine.ts";

type Read = <Name extends keyof TableReads>(
  name: Name,
  params?: Reads[Name]["params"],
  role?: Identity["role"],
) => Promise<Reads[Name]["answer"]>;

/** The reads of a dashboard that hides every text with "secret" in it. */
export function readsOf(
  { pawl, store }: Pick<Engine, "store"> & { readonly pawl: Pawl | Pawl<readonly AnyTask[]> },
  options: Partial<ReadContext> = {},
): Read {
  const redactor = {
    redact: (text: string) => hiding(text, /"[^"]*secret[^"]*"(?!:)/g, '"[redacted]"'),
    isSecretPath: (path: readonly string[]) => path.includes("secret"),
    redactSentence: (text: string) => hiding(text, /.*secret.*/gs, "[redacted]"),
  };
  const { tasks: knownTasks, version } = pawl.internals;
  const own = { pawl, store, redactor, knownTasks, version, environment: null, now: Date.now };
  const reads = makeReads({ ...own, ...options });
  return (name, params, role = "viewer") => reads[name](params ?? {}, { name: "reader", role });
}

function hiding(
  text: string,
  secret: RegExp,
  instead: string,
): { readonly text: string; readonly isRedacted: boolean } {
  const hidden = text.replaceAll(secret, instead);
  return { text: hidden, isRedacted: hidden !== text };
}
