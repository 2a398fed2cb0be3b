import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JobRow, JobsParams, OperationPlan } from "../../../src/dashboard/api.ts";
import type { JobState } from "../../../src/core/states.ts";
import type { Query } from "../address.ts";
import { read } from "../api.ts";
import { formatBound } from "../format.ts";
import type { FilterWord } from "../filter-text.ts";
import { useListKeys } from "../keys.ts";
import { overview } from "../live.ts";
import { Button } from "../parts/button.tsx";
import { FilterBar } from "../parts/filter-bar.tsx";
import { JobActions } from "../parts/job-actions.tsx";
import { JobTable } from "../parts/job-table.tsx";
import { MatchingDialog } from "../parts/matching-dialog.tsx";
import { Pager } from "../parts/pager.tsx";
import { Empty, Failure, Skeleton } from "../parts/said.tsx";
import { SearchProgress } from "../parts/search-progress.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { go, route } from "../route.ts";
import { useSearch } from "../search.ts";
import { useSelection } from "../selection.ts";
import { capitalised, states } from "../states.ts";
import { useVocabulary } from "../vocabulary.ts";

const words: readonly FilterWord[] = ["queue", "task", "state", "correlation", "key"];

/** The live jobs: found, looked through, and changed one by one or all that match. */
export function JobsScreen(): VNode {
  const { query } = route.value;
  const filter = filterOf(query);
  const key = JSON.stringify([filter, query.after]);
  const search = useSearch<JobRow>(key, query.after, async (after, limit, signal) => {
    const params = { ...filter, limit: String(limit), ...(after === undefined ? {} : { after }) };
    const { jobs, ...page } = await read("jobs", params, signal);
    return { ...page, rows: jobs };
  });
  const rows = search.found?.rows ?? [];
  const selection = useSelection(rows);
  search.hold(selection.rows.length > 0);
  const current = useListKeys(rows, {
    open: ({ queue, id }) => go("job", { queue, id }),
    toggle: selection.toggle,
  });
  return (
    <div class="stack">
      <FilterBar
        vocabulary={useVocabulary(words)}
        example="queue:mail task:send payload.user.id:42"
      />
      <section class="panel" aria-label="Jobs">
        <Tabs name="state" label="State" tabs={tabs(filter)} />
        {selection.rows.length > 0 ? (
          <div class="bulk">
            <strong>{selection.rows.length} selected</strong>
            <JobActions jobs={selection.rows} size="tiny" onDone={selection.clear} />
            <Button look="plain" size="tiny" onClick={selection.clear}>
              Select none
            </Button>
          </div>
        ) : (
          <AllMatching
            filter={filter}
            isEmpty={rows.length === 0 || search.found?.error !== undefined}
          />
        )}
        <SearchProgress search={search} />
        <Failure error={search.found?.error} />
        {search.found === undefined && <Skeleton rows={12} />}
        {search.found !== undefined && rows.length === 0 && <NoJobs filter={filter} />}
        {rows.length > 0 && (
          <JobTable rows={rows} selection={selection} current={current} isStale={search.isStale} />
        )}
        <div class="table-foot">
          <Pager query={query} next={search.isStale ? null : (search.found?.next ?? null)} />
        </div>
      </section>
    </div>
  );
}

function tabs(filter: Filter): { value: string | undefined; text: string; count?: string }[] {
  // What is counted is all there is, whatever else is asked for.
  const isAll = Object.keys(filter).every((name) => name === "state");
  const counts = isAll ? overview.value?.counts : undefined;
  return [
    { value: undefined, text: "All" },
    ...states.map((state) => ({
      value: state,
      text: capitalised(state),
      ...(counts === undefined ? {} : { count: formatBound(counts[state]) }),
    })),
  ];
}

type Filter = Omit<JobsParams, "after" | "limit">;

function filterOf(query: Query): Filter {
  const { queue, task, correlationId, concurrencyKey, search } = query;
  // One that is not known is refused by the server: to leave it out would be to mean more than was asked for.
  const state = query.state as JobState | undefined;
  return {
    ...(state === undefined ? {} : { state }),
    ...(queue === undefined ? {} : { queue }),
    ...(task === undefined ? {} : { task }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(search === undefined ? {} : { search }),
  };
}

function AllMatching(props: { readonly filter: Filter; readonly isEmpty: boolean }): VNode {
  const [plan, setPlan] = useState<OperationPlan | undefined>(undefined);
  const against = props.isEmpty ? "Nothing matches." : undefined;
  const common = { from: "jobs", filter: props.filter } as const;
  return (
    <div class="bulk">
      <span class="soft">All that match:</span>
      <Button
        size="tiny"
        icon="retry"
        power="start-operation"
        against={against}
        onClick={() => setPlan({ ...common, action: "retry" })}
      >
        Retry all…
      </Button>
      <Button
        size="tiny"
        icon="clock"
        power="start-operation"
        against={against}
        onClick={() => setPlan({ ...common, action: "reschedule", rescheduling: { delay: "0s" } })}
      >
        Reschedule all…
      </Button>
      <Button
        size="tiny"
        icon="cancel"
        look="danger"
        power="start-operation"
        against={against}
        onClick={() => setPlan({ ...common, action: "cancel" })}
      >
        Cancel all…
      </Button>
      {plan !== undefined && <MatchingDialog plan={plan} onClose={() => setPlan(undefined)} />}
    </div>
  );
}

function NoJobs({ filter }: { readonly filter: Filter }): VNode {
  if (Object.keys(filter).length === 0) {
    return (
      <Empty icon="jobs" title="No live jobs">
        Everything that was enqueued has ended: <a href="#/history">see the history</a>, or{" "}
        <a href="#/enqueue">enqueue a job</a>.
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="No live job matches">
      Jobs that have ended are in <a href="#/history">the history</a>. Or{" "}
      <a href="#/jobs">show all jobs</a>.
    </Empty>
  );
}
