import type { Settings } from "../contenders/contender.ts";

/** What the report says beside its figures. */
export interface ReportTexts {
  /** In the order of the page. */
  readonly scenarios: readonly ScenarioText[];
  readonly contenders: readonly ContenderText[];
  readonly targets: readonly TargetOutcome[];
}

export interface ScenarioText {
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

export interface ContenderText {
  readonly name: string;
  readonly settings: Record<Settings, string>;
}

/** What was aimed at, and what came of it. */
export interface TargetOutcome {
  readonly scenario: string;
  readonly text: string;
  readonly measured: string;
  /** Undefined when what it takes to know was not measured. */
  readonly isReached: boolean | undefined;
}

/** Of a scenario without a text: its name. */
export function scenarioTitle(scenario: string, { scenarios }: ReportTexts): string {
  return scenarios.find(({ name }) => name === scenario)?.title ?? scenario;
}
