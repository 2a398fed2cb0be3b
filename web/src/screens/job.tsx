import { useState } from "preact/hooks";
import type { JobPageDetails } from "../../../src/dashboard/api.ts";
import { CopyButton } from "../parts/button.tsx";
import { Empty, JobLink, Name, State, Time, Title, Trouble } from "../parts/marks.tsx";
import { Table } from "../parts/table.tsx";
import { useReading } from "../reading.ts";
import { hashOf, route } from "../route.ts";
import { auditColumns } from "./audit.tsx";
import { Attempts } from "./job-attempts.tsx";
import { JobActions } from "./job-actions.tsx";
import { Payload } from "./job-payload.tsx";

/** One job: why it stands where it stands, what has become of it so far, and what can be done. */
export function JobScreen() {
  const { queue = "", id = "" } = route.value.params;
  return <JobView key={`${queue} ${id}`} queue={queue} id={id} />;
}

function JobView({ queue, id }: { readonly queue: string; readonly id: string }) {
  const [isRaw, setRaw] = useState(false);
  // What is not redacted is noted in the audit each time, so that it is not read again and again.
  const { answer, failure, again } = useReading(
    "job",
    isRaw ? { queue, id, raw: "true" } : { queue, id },
    isRaw ? Infinity : 3_000,
  );
  if (failure?.status === 404 && answer === undefined) {
    return (
      <Empty title="No such job">
        <p>Its history may have been kept long enough, and is gone now.</p>
        <div class="row">
          <a class="button" href={hashOf("jobs")}>
            Jobs
          </a>
        </div>
      </Empty>
    );
  }
  if (answer === undefined) return <Waiting id={id} failure={failure} />;
  return (
    <div class="screen">
      <Heading job={answer} again={again} />
      <Trouble failure={failure} />
      <Explanation job={answer} />
      <div class="columns">
        <div>
          <Attempts job={answer} />
          <Payload job={answer} isRaw={isRaw} onRaw={setRaw} />
        </div>
        <div>
          <Facts job={answer} />
          <Relatives job={answer} />
          <AuditOfJob job={answer} />
        </div>
      </div>
    </div>
  );
}

interface WaitingProps {
  readonly id: string;
  readonly failure: Parameters<typeof Trouble>[0]["failure"];
}

function Waiting({ id, failure }: WaitingProps) {
  return (
    <div class="screen" aria-busy="true">
      <div class="heading">
        <Title icon="jobs">Job</Title>
        <span class="mono soft cut">{id}</span>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <div class="body">
          <span class="bone" />
        </div>
      </section>
    </div>
  );
}

function Heading({ job, again }: { readonly job: JobPageDetails; readonly again: () => void }) {
  return (
    <div class="heading">
      <Title icon="jobs">
        <Name text={job.task} />
      </Title>
      <State name={job.state} />
      <span class="row soft">
        <span class="mono cut">{job.id}</span>
        <CopyButton text={job.id} label="Copy the job's id" />
      </span>
      <div class="end">
        <JobActions job={job} again={again} />
      </div>
    </div>
  );
}

function Explanation({ job: { explanation } }: { readonly job: JobPageDetails }) {
  if (explanation.length === 0) return null;
  return (
    <section class="panel" aria-label="Why">
      <ul class="explanation">
        {explanation.map(({ kind, text }) => (
          <li key={`${kind} ${text}`}>{text}</li>
        ))}
      </ul>
    </section>
  );
}

function Facts({ job }: { readonly job: JobPageDetails }) {
  const { queue, worker, correlationId, concurrencyKey } = job;
  const facts = {
    Queue: <a href={hashOf("jobs", { queue })}>{queue}</a>,
    Created: <Time at={job.createdAt} />,
    "Runs at": <Time at={job.runAt} />,
    Priority: job.priority,
    Failures: job.failures === null ? null : `${job.failures} of ${job.maxAttempts ?? "–"}`,
    Crashes: job.crashes,
    "Claimed at": job.claimedAt === null ? null : <Time at={job.claimedAt} />,
    Worker: worker === null ? null : (worker.name ?? worker.id),
    "Correlation id":
      correlationId === null ? null : (
        <>
          <a href={hashOf("jobs", { correlationId })}>{correlationId}</a>{" "}
          <a class="soft" href={hashOf("history", { correlationId })}>
            (history)
          </a>
        </>
      ),
    "Concurrency key":
      concurrencyKey === null ? null : (
        <a href={hashOf("jobs", { queue, concurrencyKey })}>{concurrencyKey}</a>
      ),
    "Unique key": job.uniqueKey,
    "Rate limit": job.rateLimitKey,
    Flags: job.flags.length === 0 ? null : job.flags.join(", "),
    "Cancelled because": job.cancelReason,
  };
  return (
    <section class="panel">
      <header>
        <h2>Facts</h2>
      </header>
      <dl class="facts body">
        {Object.entries(facts).map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  );
}

function Relatives({ job }: { readonly job: JobPageDetails }) {
  const { replayOf, replays, related, queue } = job;
  if (replayOf === null && replays.length === 0 && related.length === 0) return null;
  return (
    <section class="panel">
      <header>
        <h2>Related jobs</h2>
      </header>
      <ul class="links">
        {replayOf !== null && (
          <li>
            Replay of <JobLink queue={queue} id={replayOf} />
          </li>
        )}
        {replays.map((each) => (
          <li key={each.id}>
            Replayed as <JobLink {...each} />
          </li>
        ))}
        {related.map((each) => (
          <li key={`${each.queue} ${each.id}`}>
            <Name text={each.task} />
            <JobLink queue={each.queue} id={each.id} />
            <span class="end">
              <State name={each.outcome ?? each.state} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function AuditOfJob({ job: { audit } }: { readonly job: JobPageDetails }) {
  if (audit.length === 0) return null;
  return (
    <section class="panel">
      <header>
        <h2>Done to it</h2>
      </header>
      <Table
        caption="What was done to this job"
        rows={audit}
        keyOf={({ id }) => id}
        columns={auditColumns.filter(({ title }) => title !== "What")}
        empty={null}
      />
    </section>
  );
}
