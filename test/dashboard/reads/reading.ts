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
    redact: (text: string) => {
      const hidden = text.replaceAll(/"[^"]*secret[^"]*"(?!:)/g, '"[redacted]"');
      return { text: hidden, isRedacted: hidden !== text };
    },
  };
  const reads = makeReads({ pawl, store, redactor, now: Date.now, ...options });
  return (name, params, role = "viewer") => reads[name](params ?? {}, { name: "reader", role });
}
