import { Fragment, type ComponentChildren, type VNode } from "preact";
import type { JobPageDetails } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { CopyButton } from "./button.tsx";
import { Time } from "./said.tsx";

/** What is known of a job, name by name; what it does not have is left out. */
export function JobFacts({ job }: { readonly job: JobPageDetails }): VNode {
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ["Id", <WithCopy key="id" text={job.id} />],
    [
      "Queue",
      <a key="queue" href={formatHash("jobs", { queue: job.queue })}>
        {job.queue}
      </a>,
    ],
    ["Priority", job.priority],
    ["Failures", job.failures === null ? null : `${job.failures} of ${job.maxAttempts ?? "?"}`],
    ["Crashes", job.crashes === 0 ? null : job.crashes],
    ["Enqueued", <Time key="created" at={job.createdAt} />],
    [job.state === "scheduled" ? "Runs" : "Could run", <Time key="run" at={job.runAt} />],
    ["Claimed", job.claimedAt === null ? null : <Time key="claimed" at={job.claimedAt} />],
    ["Worker", job.worker === null ? null : (job.worker.name ?? job.worker.id)],
    ["Correlation id", job.correlationId === null ? null : <Correlation id={job.correlationId} />],
    ["Concurrency key", job.concurrencyKey],
    ["Rate limit", job.rateLimitKey],
    ["Unique key", job.uniqueKey],
    ["Flags", job.flags.length === 0 ? null : job.flags.join(", ")],
    ["Cancelled because", job.cancelReason],
    ["Replay of", job.replayOf],
  ];
  return (
    <dl class="facts panel-body">
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function WithCopy({ text }: { readonly text: string }): VNode {
  return (
    <span class="row">
      <span class="mono cut" title={text}>
        {text}
      </span>
      <CopyButton text={text} label="Copy the id" />
    </span>
  );
}

function Correlation({ id }: { readonly id: string }): VNode {
  return (
    <Fragment>
      {id} <a href={formatHash("jobs", { correlationId: id })}>live</a>,{" "}
      <a href={formatHash("history", { correlationId: id })}>ended</a>
    </Fragment>
  );
}
