import type { Contender, Settings } from "./contenders/contender.ts";
import { spreadOf } from "./report/ratios.ts";
import type { Result } from "./result.ts";
import type { Figure, Scenario } from "./scenarios/scenario.ts";

interface Found extends Pick<Result, "scenario" | "contender" | "settings"> {
  readonly figure: Figure;
  readonly runs: number[];
}

/** The figures of all rounds. */
export class Results {
  readonly #found = new Map<string, Found>();

  add(
    { name: scenario }: Scenario,
    { contender, settings }: { contender: Contender; settings: Settings },
    figures: readonly Figure[],
  ): void {
    for (const figure of figures) {
      // A figure that does not apply (the commits of Redis) is left out.
      if (Number.isNaN(figure.value)) continue;
      const key = [scenario, contender.name, settings, figure.metric].join("\n");
      const found = this.#found.get(key);
      if (found !== undefined) found.runs.push(figure.value);
      else {
        const runs = [figure.value];
        this.#found.set(key, { scenario, contender: contender.name, settings, figure, runs });
      }
    }
  }

  /** Forgets what an entrant has done in a scenario. */
  remove(
    { name }: Scenario,
    { contender, settings }: { contender: Contender; settings: Settings },
  ): void {
    for (const [key, found] of this.#found) {
      const isTheirs = found.contender === contender.name && found.settings === settings;
      if (isTheirs && found.scenario === name) this.#found.delete(key);
    }
  }

  all(): readonly Result[] {
    return [...this.#found.values()].map(({ scenario, contender, settings, figure, runs }) => ({
      scenario,
      contender,
      settings,
      metric: figure.metric,
      unit: figure.unit,
      ...(figure.better === undefined ? {} : { better: figure.better }),
      ...spreadOf(runs),
      runs,
    }));
  }
}
