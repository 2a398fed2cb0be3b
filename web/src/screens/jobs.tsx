import { useEffect, useMemo, useState } from "preact/hooks";
import type { JobRow } from "../../../src/dashboard/api.ts";
import type { JobState } from "../../../src/core/states.ts";
import { keyOf, referencesOf } from "../bulk.ts";
import { formatCount } from "../format.ts";
import { overview } from "../live.ts";
import { firstPage } from "../pages.ts";
import { BulkBar } from "../parts/bulk-bar.tsx";
import { Chips, FilterBar } from "../parts/filter-bar.tsx";
import { Empty, JobLink, Name, State, Time, Title, Trouble } from "../parts/marks.tsx";
import { Pager } from "../parts/pager.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { change, hashOf, route } from "../route.ts";
import { askJobs, useSearch } from "../searching.ts";
import { useKnown } from "./known.ts";

const states = ["ready", "running", "scheduled", "blocked"] as const satisfies readonly JobState[];

/** The live jobs: looked for, and changed one by one or all at once. */
export function JobsScreen() {
  const { params } = route.value;
  const { state, queue, task, correlationId, concurrencyKey, search, after } = params;
  const filter = given({ state, queue, task, correlationId, concurrencyKey, search });
  const found = useSearch("jobs", askJobs, { ...filter, ...given({ after }) });
  const known = useKnown("state", states);
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const of = JSON.stringify(filter);
  useEffect(() => setKeys(new Set()), [of]);
  const selected = useMemo(() => referencesOf(keys), [keys]);
  const { rows } = found;
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="jobs">Jobs</Title>
        <FilterBar
          label="Search jobs"
          value={search ?? ""}
          known={known}
          isWrong={found.failure?.status === 400}
          onApply={(text) => change({ search: text, ...firstPage })}
        />
        <Chips
          values={{ queue, task, correlationId, concurrencyKey }}
          onRemove={(name) => change({ [name]: undefined, ...firstPage })}
        />
      </div>
      <Trouble failure={found.failure} />
      <section class="panel">
        <StateTabs />
        <BulkBar
          selected={selected}
          onClear={() => setKeys(new Set())}
          actions={["retry", "cancel", "reschedule"]}
          filter={{ from: "jobs", filter }}
          reasonAgainstAll={rows?.length === 0 ? "Nothing matches." : undefined}
        />
        <Table
          caption="Jobs"
          rows={found.failure === undefined ? rows : (rows ?? [])}
          keyOf={keyOf}
          open={({ queue: of, id }) => hashOf("job", { queue: of, id })}
          columns={columns}
          selection={{ keys, set: setKeys }}
          empty={<NoJobs isFiltered={Object.keys(filter).length > 0} isRunning={found.isRunning} />}
        />
        <Pager next={found.next} shown={rows?.length ?? 0} noun="jobs on this page" search={found} />
      </section>
    </div>
  );
}

function StateTabs() {
  const { params } = route.value;
  const counts = overview.value?.counts;
  const { after: _after, trail: _trail, ...kept } = params;
  return (
    <nav class="tabs" aria-label="States">
      {[undefined, ...states].map((state) => (
        <a
          key={state ?? "all"}
          href={hashOf("jobs", { ...kept, state })}
          aria-current={params.state === state ? "page" : undefined}
        >
          {state === undefined ? "All" : <State name={state} />}
          {state !== undefined && counts !== undefined && (
            <span class="count">{formatCount(counts[state])}</span>
          )}
        </a>
      ))}
    </nav>
  );
}

interface NoJobsProps {
  readonly isFiltered: boolean;
  readonly isRunning: boolean;
}

function NoJobs({ isFiltered, isRunning }: NoJobsProps) {
  if (isRunning) return <Empty title="Nothing found yet">The search goes on.</Empty>;
  if (!isFiltered) {
    return (
      <Empty title="No live jobs">
        <p>What has ended is in the history; what is enqueued appears here.</p>
        <div class="row">
          <a class="button" href={hashOf("history")}>
            History
          </a>
          <a class="button" href={hashOf("enqueue")}>
            Enqueue a job
          </a>
        </div>
      </Empty>
    );
  }
  const { search, queue, task, correlationId } = route.value.params;
  return (
    <Empty title="No live job matches">
      <p>Jobs that have ended are in the history.</p>
      <div class="row">
        <a class="button" href={hashOf("history", { search, queue, task, correlationId })}>
          Look in the history
        </a>
        <a class="button" href={hashOf("jobs")}>
          Clear the filter
        </a>
      </div>
    </Empty>
  );
}

const columns: Column<JobRow>[] = [
  { title: "Job", cell: (job) => <JobLink queue={job.queue} id={job.id} /> },
  {
    title: "Task",
    cell: ({ task, lastError }) => (
      <>
        <Name text={task} />
        {lastError !== null && (
          <span class="second">
            <Name text={lastError} />
          </span>
        )}
      </>
    ),
  },
  { title: "Queue", cell: ({ queue }) => <Name text={queue} /> },
  { title: "State", cell: ({ state }) => <State name={state} /> },
  {
    title: "Failures",
    class: "number",
    cell: ({ failures, maxAttempts }) => (
      <span class={failures > 0 ? "" : "faint"}>
        {failures} of {maxAttempts}
      </span>
    ),
  },
  { title: "Priority", class: "number", cell: ({ priority }) => priority },
  {
    title: "Runs",
    cell: ({ state, runAt, claimedAt }) =>
      state === "running" && claimedAt !== null ? (
        <>
          since <Time at={claimedAt} />
        </>
      ) : (
        <Time at={runAt} />
      ),
  },
  { title: "Created", cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    title: "Marks",
    cell: ({ flags, correlationId, concurrencyKey }) => (
      <>
        {correlationId !== null && <Mark name="correlation" text={correlationId} />}
        {concurrencyKey !== null && <Mark name="key" text={concurrencyKey} />}
        {flags.map((flag) => (
          <Mark key={flag} name="flag" text={flag} />
        ))}
      </>
    ),
  },
];

function Mark({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <>
      <span class="flag" title={`${name}: ${text}`}>
        {text}
      </span>{" "}
    </>
  );
}

/** What of some parameters is there. */
export function given(
  params: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const pairs = Object.entries(params).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return Object.fromEntries(pairs);
}
