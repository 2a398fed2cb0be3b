import type { ComponentChildren, VNode } from "preact";
import type { JobPageDetails, Reference } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { useRead } from "../data.ts";
import { shortId } from "../format.ts";
import { tellOutcomes } from "../outcomes.ts";
import { AuditTable } from "../parts/audit-table.tsx";
import { Button } from "../parts/button.tsx";
import { JobActions, type JobAction } from "../parts/job-actions.tsx";
import { JobFacts } from "../parts/job-facts.tsx";
import { JsonViewer } from "../parts/json-viewer.tsx";
import { PayloadPanel } from "../parts/payload-panel.tsx";
import { Badge, Empty, Failure, Panel, Skeleton } from "../parts/said.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { go, route } from "../route.ts";
import { perform } from "../toasts.ts";

/** One job: why it is where it is, what became of its attempts, and what can be done. */
export function JobScreen(): VNode {
  const { queue = "", id = "" } = route.value.query;
  return <Job key={`${queue} ${id}`} queue={queue} id={id} />;
}

function Job({ queue, id }: Reference): VNode {
  const isRaw = route.value.query.raw === "true";
  const params = { queue, id, ...(isRaw ? { raw: "true" } : {}) };
  // Each look at what is raw is noted in the audit: once is enough.
  const { data: job, error } = useRead("job", params, isRaw ? "once" : "live");
  if (job === undefined) {
    if (error === undefined) return <Skeleton rows={12} />;
    return (
      <div class="stack">
        <Failure error={error} />
        {error.code === "PAWL_DASHBOARD_NOT_FOUND" && (
          <Empty icon="jobs" title="This job cannot be shown">
            It may have ended without leaving a history, or its history has expired.{" "}
            <a href="#/jobs">See the live jobs</a>.
          </Empty>
        )}
      </div>
    );
  }
  return (
    <div class="stack">
      <Failure error={error} />
      <Head job={job} />
      <Explanation job={job} />
      <section class="panel" aria-label="Facts">
        <JobFacts job={job} />
      </section>
      <div class="two">
        <Panel title="Attempts">
          <Timeline attempts={job.attempts} />
        </Panel>
        <div class="stack">
          <PayloadPanel job={job} isRaw={isRaw} />
          {job.partialResults !== null && (
            <Panel title="Partial results">
              <JsonViewer text={job.partialResults} />
            </Panel>
          )}
          <Relatives job={job} />
        </div>
      </div>
      {job.audit.length > 0 && (
        <Panel title="Done by hand">
          <AuditTable entries={job.audit} />
        </Panel>
      )}
    </div>
  );
}

function Head({ job }: { readonly job: JobPageDetails }): VNode {
  const { queue, id } = job;
  const isFinished = job.state === "finished";
  const outcome = job.attempts.at(-1)?.outcome;
  const replay = (): Promise<unknown> =>
    perform("replay-jobs", { jobs: [{ queue, id }] }, tellOutcomes);
  return (
    <div class="row wrap spread">
      <div class="row wrap">
        <strong class="card-value">{job.task}</strong>
        <Badge name={isFinished ? (outcome ?? "finished") : job.state} />
      </div>
      <div class="row wrap">
        <JobActions jobs={[job]} against={reasonsAgainst(job)} />
        <Button
          icon="replay"
          power="replay-jobs"
          against={reasonAgainstReplay(job)}
          onClick={replay}
        >
          Replay
        </Button>
        <Button
          icon="edit"
          power="enqueue"
          against={reasonAgainstCopy(job)}
          onClick={() => go("enqueue", { task: job.task, copyQueue: queue, copyId: id })}
        >
          Edit and enqueue
        </Button>
      </div>
    </div>
  );
}

function reasonAgainstCopy({ payload, isPayloadCut }: JobPageDetails): string | undefined {
  if (payload === null) return "Its payload was not kept.";
  return isPayloadCut ? "Its payload is too long to be edited here." : undefined;
}

function reasonAgainstReplay({ state, attempts }: JobPageDetails): string | undefined {
  if (state !== "finished") return "Only what has ended is enqueued again.";
  return attempts.at(-1)?.outcome === "succeeded" ? "It has succeeded." : undefined;
}

function reasonsAgainst(job: JobPageDetails): Partial<Record<JobAction, string>> {
  switch (job.state) {
    case "finished":
      return {
        ...(job.attempts.at(-1)?.outcome === "succeeded" ? { retry: "It has succeeded." } : {}),
        cancel: "It has ended.",
        reschedule: "It has ended.",
      };
    case "running":
      return { retry: "It runs.", reschedule: "It runs." };
    case "ready":
    case "blocked":
      return { retry: "It waits to run already." };
    case "scheduled":
      return {};
  }
}

function Explanation({ job }: { readonly job: JobPageDetails }): VNode | null {
  if (job.explanation.length === 0) return null;
  return (
    <ul class="explained" aria-label="Explanation">
      {job.explanation.map(({ kind, text }) => (
        <li key={`${kind} ${text}`}>{text}</li>
      ))}
    </ul>
  );
}

function Relatives({ job }: { readonly job: JobPageDetails }): VNode | null {
  if (job.replayOf === null && job.replays.length === 0 && job.related.length === 0) return null;
  return (
    <Panel title="Related jobs">
      <ul class="lines">
        {job.replays.map((replay) => (
          <Relative key={replay.id} job={replay} role="Replay">
            <span class="mono">{shortId(replay.id)}</span>
          </Relative>
        ))}
        {job.related.map((related) => (
          <Relative key={related.id} job={related} role="Same correlation id">
            {related.task} <span class="mono soft">{shortId(related.id)}</span>{" "}
            <Badge name={related.outcome ?? related.state} />
          </Relative>
        ))}
        {job.replayOf !== null && (
          <Relative job={{ queue: job.queue, id: job.replayOf }} role="Original">
            <span class="mono">{shortId(job.replayOf)}</span>
          </Relative>
        )}
      </ul>
    </Panel>
  );
}

function Relative(props: {
  readonly job: Reference;
  readonly role: string;
  readonly children: ComponentChildren;
}): VNode {
  const { queue, id } = props.job;
  return (
    <li>
      <a class="grow" href={formatHash("job", { queue, id })}>
        {props.children}
      </a>
      <span class="soft small">{props.role}</span>
    </li>
  );
}
