import { integerBetween } from "../../core/options.ts";
import { searchHistory, searchJobs } from "../../store/dashboard-search.ts";
import type { HistoryPageRows, HistoryParams, JobsPage, JobsParams, PageParams } from "../api.ts";
import type { ReadContext } from "../context.ts";
import { assertSearchable } from "../secret-search.ts";
import { attemptRow, hidden } from "./redaction.ts";

const searchBudgetMs = 100;
const defaultLimit = 50;
const highestLimit = 200;

/** A page of live jobs, in the order of queues and ids. Throws `OptionError`. */
export async function readJobs(context: ReadContext, params: JobsParams): Promise<JobsPage> {
  const { after, limit, ...filter } = params;
  assertSearchable(filter.search, context.redactor);
  const { rows, ...page } = await searchJobs(context.store, filter, {
    ...pageOf({ after, limit }),
    budgetMs: searchBudgetMs,
  });
  const jobs = rows.map((job) => ({ ...job, lastError: hidden(context, job.lastError) }));
  return { jobs, ...page };
}

/** A page of the history, newest first. Throws `OptionError`. */
export async function readHistory(
  context: ReadContext,
  params: HistoryParams,
): Promise<HistoryPageRows> {
  const { after, limit, ...filter } = params;
  assertSearchable(filter.search, context.redactor);
  const { rows, ...page } = await searchHistory(context.store, filter, {
    ...pageOf({ after, limit }),
    budgetMs: searchBudgetMs,
  });
  return { attempts: rows.map((attempt) => attemptRow(context, attempt).row), ...page };
}

type Given<Params> = { readonly [Name in keyof Params]: Params[Name] | undefined };

/** Where a page begins, which is the start for nothing and for an empty text, and how many rows it has. Throws `OptionError`. */
export function pageOf({ after, limit }: Given<PageParams>): {
  readonly after: string | undefined;
  readonly limit: number;
} {
  return { after: after === "" ? undefined : after, limit: checkLimit(limit) };
}

/** How many rows a page has. Throws `OptionError`. */
export function checkLimit(limit: string | undefined): number {
  const given = limit === "" ? undefined : limit;
  const isNumber = given !== undefined && /^\d{1,9}$/.test(given);
  return integerBetween(
    "limit",
    isNumber ? Number(given) : (given ?? defaultLimit),
    1,
    highestLimit,
  );
}
