import type { FindingRow } from "../api.ts";
import type { ReadContext } from "../context.ts";

const freshMs = 30_000;

/** What the doctor has found: an answer may be half a minute old, and a stale one is made anew behind the one that is given. */
export class Findings {
  readonly #context: Pick<ReadContext, "pawl" | "now">;
  #known: { readonly findings: readonly FindingRow[]; readonly atMs: number } | undefined;
  #running: Promise<readonly FindingRow[]> | undefined;

  constructor(context: Pick<ReadContext, "pawl" | "now">) {
    this.#context = context;
  }

  /** Waits for the first diagnosis of all; throws its error, but not that of one that runs behind. */
  async read(): Promise<{ readonly findings: readonly FindingRow[] }> {
    const known = this.#known;
    if (known === undefined) return { findings: await this.#diagnose() };
    if (this.#context.now() - known.atMs >= freshMs) {
      this.#diagnose().catch(() => undefined /* the next read tries again */);
    }
    return { findings: known.findings };
  }

  #diagnose(): Promise<readonly FindingRow[]> {
    this.#running ??= this.#make().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #make(): Promise<readonly FindingRow[]> {
    const { pawl, now } = this.#context;
    const found = await pawl.maintenance.diagnose();
    const findings = found.map(({ check, level, text, fix }) => ({
      ...{ check, level, message: text, fix },
    }));
    this.#known = { findings, atMs: now() };
    return findings;
  }
}
