import { useEffect, useMemo, useState } from "preact/hooks";
import type { AttemptRow } from "../../../src/dashboard/api.ts";
import type { OutcomeName } from "../../../src/core/states.ts";
import { keyOf, referencesOf } from "../bulk.ts";
import { firstPage } from "../pages.ts";
import { BulkBar } from "../parts/bulk-bar.tsx";
import { Chips, FilterBar } from "../parts/filter-bar.tsx";
import { Empty, JobLink, Name, State, Time, Title, Took, Trouble } from "../parts/marks.tsx";
import { Pager } from "../parts/pager.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { change, hashOf, route } from "../route.ts";
import { askHistory, useSearch } from "../searching.ts";
import { given } from "./jobs.tsx";
import { useKnown } from "./known.ts";

const outcomes = [
  ...(["succeeded", "failed", "partial", "cancelled", "crashed"] as const),
  ...(["snoozed", "rate-limited", "released"] as const),
] satisfies readonly OutcomeName[];
const tabs = ["succeeded", "failed", "partial", "cancelled", "crashed"] as const;

/** Every attempt that has ended: looked for, and replayed. */
export function HistoryScreen() {
  const { params } = route.value;
  const { outcome, final, queue, task, correlationId, from, to, search, after } = params;
  const filter = given({ outcome, final, queue, task, correlationId, from, to, search });
  const found = useSearch("history", askHistory, { ...filter, ...given({ after }) });
  const known = useKnown("outcome", outcomes);
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const of = JSON.stringify(filter);
  useEffect(() => setKeys(new Set()), [of]);
  const selected = useMemo(() => referencesOf([...keys].map(jobOf)), [keys]);
  const { rows } = found;
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="history">History</Title>
        <FilterBar
          label="Search the history"
          value={search ?? ""}
          known={known}
          isWrong={found.failure?.status === 400}
          onApply={(text) => change({ search: text, ...firstPage })}
        />
        <Chips
          values={{ queue, task, correlationId }}
          onRemove={(name) => change({ [name]: undefined, ...firstPage })}
        />
      </div>
      <Trouble failure={found.failure} />
      <section class="panel">
        <OutcomeTabs />
        <Times />
        <BulkBar
          selected={selected}
          onClear={() => setKeys(new Set())}
          actions={["replay"]}
          filter={{ from: "history", filter }}
          reasonAgainstAll={reasonAgainst({ outcome, final, isEmpty: rows?.length === 0 })}
        />
        <Table
          caption="Attempts"
          rows={found.failure === undefined ? rows : (rows ?? [])}
          keyOf={attemptKey}
          open={({ queue: inQueue, id }) => hashOf("job", { queue: inQueue, id })}
          columns={columns}
          selection={{ keys, set: setKeys }}
          empty={
            <NoAttempts isFiltered={Object.keys(filter).length > 0} isRunning={found.isRunning} />
          }
        />
        <Pager
          next={found.next}
          shown={rows?.length ?? 0}
          noun="attempts on this page"
          search={found}
        />
      </section>
    </div>
  );
}

function OutcomeTabs() {
  const { params } = route.value;
  const { after: _after, trail: _trail, ...kept } = params;
  return (
    <nav class="tabs" aria-label="Outcomes">
      {[undefined, ...tabs].map((outcome) => (
        <a
          key={outcome ?? "all"}
          href={hashOf("history", { ...kept, outcome })}
          aria-current={params.outcome === outcome ? "page" : undefined}
        >
          {outcome === undefined ? "All" : <State name={outcome} />}
        </a>
      ))}
    </nav>
  );
}

function Times() {
  const { final, from, to } = route.value.params;
  return (
    <div class="bar">
      <div class="row">
        <label for="final">Attempts</label>
        <span>
          <select
            id="final"
            value={final ?? ""}
            onChange={(event) => change({ final: event.currentTarget.value, ...firstPage })}
          >
            <option value="">all</option>
            <option value="true">with which a job ended</option>
            <option value="false">that were tried again</option>
          </select>
        </span>
      </div>
      <TimeField name="from" label="Ended from" value={from} />
      <TimeField name="to" label="to" value={to} />
    </div>
  );
}

interface TimeFieldProps {
  readonly name: "from" | "to";
  readonly label: string;
  readonly value: string | undefined;
}

function TimeField({ name, label, value }: TimeFieldProps) {
  return (
    <div class="row">
      <label for={name}>{label}</label>
      <span>
        <input
          id={name}
          type="datetime-local"
          value={value === undefined ? "" : toLocal(value)}
          onChange={(event) => {
            const time = new Date(event.currentTarget.value);
            const text = Number.isNaN(time.getTime()) ? undefined : time.toISOString();
            change({ [name]: text, ...firstPage });
          }}
        />
      </span>
    </div>
  );
}

interface NoAttemptsProps {
  readonly isFiltered: boolean;
  readonly isRunning: boolean;
}

function NoAttempts({ isFiltered, isRunning }: NoAttemptsProps) {
  if (isRunning) return <Empty title="Nothing found yet">The search goes on.</Empty>;
  if (!isFiltered) {
    return (
      <Empty title="No history yet">
        <p>Each attempt of a job leaves a row here when it has ended.</p>
      </Empty>
    );
  }
  const { search, queue, task, correlationId } = route.value.params;
  return (
    <Empty title="No attempt matches">
      <p>Jobs that have not run yet are live ones.</p>
      <div class="row">
        <a class="button" href={hashOf("jobs", { search, queue, task, correlationId })}>
          Look among the live jobs
        </a>
        <a class="button" href={hashOf("history")}>
          Clear the filter
        </a>
      </div>
    </Empty>
  );
}

const columns: Column<AttemptRow>[] = [
  {
    title: "Job",
    cell: ({ queue, id, attempt }) => (
      <>
        <JobLink queue={queue} id={id} />
        <span class="second">attempt {attempt}</span>
      </>
    ),
  },
  {
    title: "Task",
    cell: ({ task, error }) => (
      <>
        <Name text={task} />
        {error !== null && (
          <span class="second">
            <Name text={`${error.name}: ${error.message}`} />
          </span>
        )}
      </>
    ),
  },
  { title: "Queue", cell: ({ queue }) => <Name text={queue} /> },
  {
    title: "Outcome",
    cell: ({ outcome, final }) => (
      <>
        <State name={outcome} />
        {!final && <span class="second">tried again</span>}
      </>
    ),
  },
  { title: "Waited", class: "number", cell: ({ waitMs }) => <Took ms={waitMs} /> },
  { title: "Ran", class: "number", cell: ({ runMs }) => <Took ms={runMs} /> },
  { title: "Ended", cell: ({ finishedAt }) => <Time at={finishedAt} /> },
  {
    title: "Correlation",
    cell: ({ correlationId }) => correlationId !== null && <Name text={correlationId} />,
  },
];

const replayable = ["failed", "crashed", "partial", "cancelled"];

function reasonAgainst(list: {
  readonly outcome: string | undefined;
  readonly final: string | undefined;
  readonly isEmpty: boolean;
}): string | undefined {
  if (list.isEmpty) return "Nothing matches.";
  if (list.final === "false") return "Only what has ended can be replayed: these were tried again.";
  if (list.outcome === undefined || replayable.includes(list.outcome)) return undefined;
  return `What ${list.outcome === "succeeded" ? "has succeeded" : "goes on"} is not replayed.`;
}

// An attempt is known by its job and its number; it is jobs that are replayed.
function attemptKey(row: AttemptRow): string {
  return `${row.attempt} ${keyOf(row)}`;
}

function jobOf(key: string): string {
  return key.slice(key.indexOf(" ") + 1);
}

function toLocal(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
