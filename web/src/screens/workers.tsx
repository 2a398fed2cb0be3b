import type { WorkerRow } from "../../../src/dashboard/api.ts";
import { formatDuration, formatNumber, percent } from "../format.ts";
import { Empty, JobLink, Name, Time, Title, Trouble } from "../parts/marks.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";

const shownJobs = 3;

/** Every worker: whether it lives, and what it runs. */
export function WorkersScreen() {
  const { answer, failure } = useReading("workers", {});
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="workers">Workers</Title>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Workers"
          rows={answer?.workers}
          keyOf={({ id }) => id}
          columns={columns}
          empty={
            <Empty title="No workers">
              <p>
                Nothing runs jobs at the moment. Start a worker with{" "}
                <code>pawl.worker({"{ handlers }"}).start()</code> or <code>npx pawl work</code>.
              </p>
            </Empty>
          }
        />
      </section>
    </div>
  );
}

const columns: Column<WorkerRow>[] = [
  {
    title: "Worker",
    cell: ({ name, id, isAlive }) => (
      <>
        <span class={isAlive ? "state done" : "state crashed"}>
          <Name text={name} />
        </span>
        <span class="second mono" title={id}>
          {isAlive ? "alive" : "silent"} · {id.slice(0, 8)}
        </span>
      </>
    ),
  },
  {
    title: "Heartbeat",
    class: "number",
    cell: ({ heartbeatAgeMs, isAlive }) => (
      <span class={isAlive ? "" : "wrong"}>{formatDuration(heartbeatAgeMs)} ago</span>
    ),
  },
  {
    title: "Where",
    cell: ({ host, pid, version }) => (
      <>
        <Name text={host} />
        <span class="second">
          pid {pid} · Pawl {version}
        </span>
      </>
    ),
  },
  {
    title: "Takes",
    cell: ({ queues, tasks }) => (
      <>
        <Name text={queues === null ? "every queue" : queues.join(", ")} />
        {tasks !== null && <span class="second cut">{tasks.join(", ")}</span>}
      </>
    ),
  },
  {
    title: "Busy",
    cell: ({ held, concurrency }) => (
      <>
        <span class="meter running" aria-hidden="true">
          <span style={{ width: `${percent(held, concurrency)}%` }} />
        </span>
        <span class="second">
          {formatNumber(held)} held, runs {formatNumber(concurrency)} at once
        </span>
      </>
    ),
  },
  { title: "Runs now", cell: (worker) => <RunningNow worker={worker} /> },
  { title: "Started", cell: ({ startedAt }) => <Time at={startedAt} /> },
];

function RunningNow({ worker: { running, held } }: { readonly worker: WorkerRow }) {
  if (running.length === 0) return <span class="faint">nothing</span>;
  const shown = running.slice(0, shownJobs);
  return (
    <span class="running-now">
      {shown.map(({ queue, id, task, since }) => (
        <span key={`${queue} ${id}`} class="row">
          <Name text={task} />
          <JobLink queue={queue} id={id} />
          <span class="soft">
            <Time at={since} />
          </span>
        </span>
      ))}
      {held > shown.length && <span class="soft">and {formatNumber(held - shown.length)} more</span>}
    </span>
  );
}
