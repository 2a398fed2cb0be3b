import { OptionError } from "../core/errors.ts";
import { invalidOption, oneOf, queueName, shortText, taskName } from "../core/options.ts";
import type { JobState, OutcomeName } from "../core/states.ts";
import { parseSearch, type SearchTerm, type SearchWord } from "./dashboard-words.ts";

/** Which live jobs to look for, each as the text that stands in an address; what is left out does not matter. */
export interface JobFilter {
  readonly state?: string | undefined;
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly concurrencyKey?: string | undefined;
  /** `payload.user.id:42 payload.kind:"a b" queue:mail`: all of it. */
  readonly search?: string | undefined;
}

/** Which attempts of the history to look for. */
export interface HistoryFilter {
  readonly outcome?: string | undefined;
  /** "true": only the attempts with which a job ended; "false": only the others. */
  readonly final?: string | undefined;
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly correlationId?: string | undefined;
  /** An ISO 8601 time: the attempt ended then or later. */
  readonly from?: string | undefined;
  /** The attempt ended before then. */
  readonly to?: string | undefined;
  readonly search?: string | undefined;
}

/** A filter that was checked, with what its search says; null does not matter. */
export interface CheckedJobFilter {
  readonly state: JobState | null;
  readonly queue: string | null;
  readonly task: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly terms: readonly SearchTerm[];
}

/** The same for the history. */
export interface CheckedHistoryFilter {
  readonly outcome: OutcomeName | null;
  readonly final: boolean | null;
  readonly queue: string | null;
  readonly task: string | null;
  readonly correlationId: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly terms: readonly SearchTerm[];
}

const states: readonly JobState[] = ["scheduled", "ready", "blocked", "running"];
const outcomes: readonly OutcomeName[] = [
  "succeeded",
  "failed",
  "partial",
  "snoozed",
  "rate-limited",
  "cancelled",
  "released",
  "crashed",
];

/** Checks a filter of live jobs; undefined when it contradicts itself, so that nothing can match. Throws `OptionError`. */
export function checkJobFilter(filter: JobFilter): CheckedJobFilter | undefined {
  const search = new Search(filter.search, { unknown: "outcome", where: "the history" });
  const checked = {
    state: search.join("state", filter.state, (name, text) => oneOf(name, text, states)),
    queue: search.join("queue", filter.queue, queueName),
    task: search.join("task", filter.task, taskName),
    correlationId: search.join("correlation", filter.correlationId, shortText),
    concurrencyKey: given(filter.concurrencyKey, (text) => shortText("concurrencyKey", text)),
    terms: search.terms,
  };
  return search.isContradictory ? undefined : checked;
}

/** Checks a filter of the history; undefined when it contradicts itself. Throws `OptionError`. */
export function checkHistoryFilter(filter: HistoryFilter): CheckedHistoryFilter | undefined {
  const search = new Search(filter.search, { unknown: "state", where: "live jobs" });
  const checked = {
    outcome: search.join("outcome", filter.outcome, (name, text) => oneOf(name, text, outcomes)),
    final: given(filter.final, (text) => oneOf("final", text, ["true", "false"]) === "true"),
    queue: search.join("queue", filter.queue, queueName),
    task: search.join("task", filter.task, taskName),
    correlationId: search.join("correlation", filter.correlationId, shortText),
    from: given(filter.from, (text) => checkTime("from", text)),
    to: given(filter.to, (text) => checkTime("to", text)),
    terms: search.terms,
  };
  return search.isContradictory ? undefined : checked;
}

/** What a search says, on the way to a filter. */
class Search {
  readonly terms: readonly SearchTerm[];
  readonly #words: readonly { readonly word: SearchWord; readonly text: string }[];
  isContradictory = false;

  constructor(
    search: string | undefined,
    { unknown, where }: { readonly unknown: SearchWord; readonly where: string },
  ) {
    const { words, terms } = parseSearch(search ?? "");
    if (words.some(({ word }) => word === unknown)) {
      const expected = `no \`${unknown}:\`, which is for ${where}`;
      throw new OptionError(`expected \`search\` to have ${expected}, got one`, {
        ...{ option: "search", expected, got: `${unknown}:` },
      });
    }
    this.#words = words;
    this.terms = terms;
  }

  /** What a parameter and the words of its name say together; null when neither says anything. */
  join<Value>(
    word: SearchWord,
    parameter: string | undefined,
    check: (name: string, text: string) => Value,
  ): Value | null {
    const named = this.#words.filter((each) => each.word === word);
    const values = named.map(({ text }) => check(`search ${word}:`, text));
    const name = word === "correlation" ? "correlationId" : word;
    const own = given(parameter, (text) => check(name, text));
    const all = own === null ? values : [own, ...values];
    if (new Set(all).size > 1) this.isContradictory = true;
    return all[0] ?? null;
  }
}

// An empty text is a field of a form that nobody has filled in.
function given<Checked>(
  text: string | undefined,
  check: (text: string) => Checked,
): Checked | null {
  return text === undefined || text === "" ? null : check(text);
}

function checkTime(option: string, text: string): string {
  const time = new Date(text);
  const year = time.getUTCFullYear(); // NaN when it is no time
  if (year >= 1 && year <= 9_999) return time.toISOString();
  throw invalidOption(option, "an ISO 8601 time in the years 1 to 9999", text);
}
