import type { VNode } from "preact";
import type { WorkerRow } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { useRead } from "../data.ts";
import { formatDuration, shortId } from "../format.ts";
import { Empty, Failure, Panel, Skeleton, Time } from "../parts/said.tsx";

/** The workers: who is there, and what each runs now. */
export function WorkersScreen(): VNode {
  const { data, error } = useRead("workers", {});
  return (
    <div class="stack">
      <Failure error={error} />
      {data === undefined && <Skeleton rows={8} />}
      {data?.workers.length === 0 && (
        <section class="panel">
          <Empty icon="workers" title="No worker is known">
            Start one: <code>npx pawl work</code>, or <code>pawl.worker(…).start()</code> in your
            application.
          </Empty>
        </section>
      )}
      {data?.workers.map((worker) => (
        <Worker key={worker.id} worker={worker} />
      ))}
    </div>
  );
}

function Worker({ worker }: { readonly worker: WorkerRow }): VNode {
  const { name, id, isAlive, heartbeatAgeMs, running, held } = worker;
  const actions = (
    <>
      <span class={`badge ${isAlive ? "succeeded" : "failed"}`}>
        {isAlive ? "alive" : "silent"}
      </span>
      <span class="soft small nowrap">heard of {formatDuration(heartbeatAgeMs)} ago</span>
    </>
  );
  return (
    <Panel title={name === "" ? shortId(id) : name} actions={actions}>
      <dl class="facts panel-body">
        <Fact name="Process" value={`${worker.host}, ${worker.pid}`} />
        <Fact name="Pawl" value={worker.version} />
        <Fact name="Queues" value={worker.queues?.join(", ") ?? "all"} />
        <Fact name="Tasks" value={worker.tasks?.join(", ") ?? "all"} />
        <Fact name="Holds" value={`${held} of ${worker.concurrency} at once`} />
        <div>
          <dt>Started</dt>
          <dd>
            <Time at={worker.startedAt} />
          </dd>
        </div>
      </dl>
      {running.length > 0 && (
        <ul class="lines" aria-label="Running now">
          {running.map((job) => (
            <li key={`${job.queue} ${job.id}`}>
              <a class="grow cut" href={formatHash("job", { queue: job.queue, id: job.id })}>
                <strong>{job.task}</strong> <span class="mono soft">{shortId(job.id)}</span>
              </a>
              <span class="soft small">
                since <Time at={job.since} />
              </span>
            </li>
          ))}
          {held > running.length && <li class="soft small">and {held - running.length} more</li>}
        </ul>
      )}
    </Panel>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
