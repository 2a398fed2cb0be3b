import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { AttemptRow, HistoryParams, OperationPlan } from "../../../src/dashboard/api.ts";
import type { OutcomeName } from "../../../src/core/states.ts";
import type { Query } from "../address.ts";
import { read } from "../api.ts";
import { plural } from "../format.ts";
import type { FilterWord } from "../filter-text.ts";
import { useListKeys } from "../keys.ts";
import { keyOf, tellOutcomes } from "../outcomes.ts";
import { AttemptTable, attemptKey } from "../parts/attempt-table.tsx";
import { Button } from "../parts/button.tsx";
import { confirm } from "../parts/confirm.tsx";
import { FilterBar } from "../parts/filter-bar.tsx";
import { HistoryRange } from "../parts/history-range.tsx";
import { MatchingDialog } from "../parts/matching-dialog.tsx";
import { Pager } from "../parts/pager.tsx";
import { Empty, Failure, Skeleton } from "../parts/said.tsx";
import { SearchProgress } from "../parts/search-progress.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { go, route } from "../route.ts";
import { useSearch } from "../search.ts";
import { useSelection, type Selection } from "../selection.ts";
import { capitalised, outcomes } from "../states.ts";
import { perform } from "../toasts.ts";
import { useVocabulary } from "../vocabulary.ts";

const words: readonly FilterWord[] = ["queue", "task", "outcome", "correlation"];
/** The attempts that have ended: found, looked through, and enqueued again. */
export function HistoryScreen(): VNode {
  const { query } = route.value;
  const filter = filterOf(query);
  const key = JSON.stringify([filter, query.after]);
  const search = useSearch<AttemptRow>(key, query.after, async (after, limit, signal) => {
    const params = { ...filter, limit: String(limit), ...(after === undefined ? {} : { after }) };
    const { attempts, ...page } = await read("history", params, signal);
    return { ...page, rows: attempts };
  });
  const rows = search.found?.rows ?? [];
  const selection = useSelection(rows, attemptKey);
  search.hold(selection.rows.length > 0);
  const current = useListKeys(rows, {
    open: ({ queue, id }) => go("job", { queue, id }),
    toggle: selection.toggle,
  });
  return (
    <div class="stack">
      <FilterBar
        vocabulary={useVocabulary(words)}
        example="task:send outcome:failed payload.user.id:42"
      />
      <HistoryRange />
      <section class="panel" aria-label="History">
        <Tabs name="outcome" label="Outcome" tabs={tabs} />
        <Replays
          filter={filter}
          selection={selection}
          isEmpty={rows.length === 0 || search.found?.error !== undefined}
        />
        <SearchProgress search={search} />
        <Failure error={search.found?.error} />
        {search.found === undefined && <Skeleton rows={12} />}
        {search.found !== undefined && rows.length === 0 && (
          <Empty icon="history" title="Nothing in the history matches">
            Each attempt that ends leaves a row here, for as long as its task keeps it.{" "}
            <a href="#/history">Show everything</a>.
          </Empty>
        )}
        {rows.length > 0 && (
          <AttemptTable
            rows={rows}
            selection={selection}
            current={current}
            isStale={search.isStale}
          />
        )}
        <div class="table-foot">
          <Pager query={query} next={search.isStale ? null : (search.found?.next ?? null)} />
        </div>
      </section>
    </div>
  );
}

const tabs = [
  { value: undefined, text: "All" },
  ...outcomes.map((outcome) => ({
    value: outcome,
    text: capitalised(outcome),
  })),
];

type Filter = Omit<HistoryParams, "after" | "limit">;

function filterOf(query: Query): Filter {
  const { final, queue, task, correlationId, from, to, search } = query;
  // One that is not known is refused by the server: to leave it out would be to mean more than was asked for.
  const outcome = query.outcome as OutcomeName | undefined;
  return {
    ...(outcome === undefined ? {} : { outcome }),
    ...(final === undefined ? {} : { final }),
    ...(queue === undefined ? {} : { queue }),
    ...(task === undefined ? {} : { task }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(search === undefined ? {} : { search }),
  };
}

function Replays(props: {
  readonly filter: Filter;
  readonly selection: Selection<AttemptRow>;
  readonly isEmpty: boolean;
}): VNode {
  const { filter, selection, isEmpty } = props;
  const [plan, setPlan] = useState<OperationPlan | undefined>(undefined);
  // Of one job there may be several attempts.
  const byKey = new Map(
    selection.rows.map(({ queue, id }) => [keyOf({ queue, id }), { queue, id }]),
  );
  const jobs = [...byKey.values()];
  const replay = (): void => {
    confirm({
      title: `Replay ${plural(jobs.length, "job")}?`,
      text: "Each is enqueued again as a new job, unless it has been before.",
      verb: "Replay",
      onYes: async () => {
        await perform("replay-jobs", { jobs }, tellOutcomes);
        selection.clear();
      },
    });
  };
  return (
    <div class="bulk">
      {jobs.length > 0 ? (
        <>
          <strong>{selection.rows.length} selected</strong>
          <Button size="tiny" icon="replay" power="replay-jobs" onClick={replay}>
            Replay {plural(jobs.length, "job")}
          </Button>
          <Button look="plain" size="tiny" onClick={selection.clear}>
            Select none
          </Button>
        </>
      ) : (
        <>
          <span class="soft">All that match:</span>
          <Button
            size="tiny"
            icon="replay"
            power="start-operation"
            against={isEmpty ? "Nothing matches." : undefined}
            onClick={() => setPlan({ action: "replay", from: "history", filter })}
          >
            Replay all…
          </Button>
        </>
      )}
      {plan !== undefined && <MatchingDialog plan={plan} onClose={() => setPlan(undefined)} />}
    </div>
  );
}
