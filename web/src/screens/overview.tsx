import type { VNode } from "preact";
import type { Overview, Problem } from "../../../src/dashboard/api.ts";
import type { JobState } from "../../../src/core/states.ts";
import { formatHash } from "../address.ts";
import { useRead } from "../data.ts";
import { formatBound, formatCount, formatDuration } from "../format.ts";
import { overview } from "../live.ts";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { LatencyChart, ThroughputChart } from "../parts/overview-charts.tsx";
import { Empty, Panel, Skeleton } from "../parts/said.tsx";
import { capitalised, states } from "../states.ts";
import { perform } from "../toasts.ts";

const lateMs = 60_000;

/** How things are at a glance, and what somebody should look at. */
export function OverviewScreen(): VNode {
  const known = overview.value;
  if (known === undefined) return <Skeleton rows={10} />;
  return (
    <div class="stack">
      <NoWorkers known={known} />
      <Cards known={known} />
      <div class="two">
        <Panel title="Attempts ended, per second">
          <div class="panel-body">
            <ThroughputChart series={known.series} />
          </div>
        </Panel>
        <Panel title="Latency">
          <div class="panel-body">
            <LatencyChart series={known.series} />
          </div>
        </Panel>
      </div>
      <div class="two">
        <Problems problems={known.problems} />
        <Findings />
      </div>
    </div>
  );
}

function NoWorkers({ known }: { readonly known: Overview }): VNode | null {
  const { counts, workers } = known;
  const waiting = counts.ready.count + counts.blocked.count;
  if (workers.alive > 0 || waiting === 0) return null;
  return (
    <section class="alarm" role="alert" aria-label="No workers">
      <Icon name="warning" />
      <div class="stack tight">
        <h2>No worker is running</h2>
        <p>
          {formatCount(waiting)}
          {counts.ready.isAtLeast || counts.blocked.isAtLeast ? " or more" : ""} jobs wait, and
          nothing runs them. Start a worker: <code>npx pawl work</code>, or{" "}
          <code>pawl.worker(…).start()</code> in your application.
        </p>
      </div>
    </section>
  );
}

function Cards({ known }: { readonly known: Overview }): VNode {
  const { counts, workers, oldestReadyMs } = known;
  const isLate = oldestReadyMs !== null && oldestReadyMs > lateMs;
  return (
    <div class="cards">
      {states.map((state) => (
        <a key={state} class="card" href={formatHash("jobs", { state })}>
          <span class="card-label">{capitalised(state)}</span>
          <span class="card-value">{formatBound(counts[state])}</span>
          <span class="card-note">{notes[state]}</span>
        </a>
      ))}
      <a class={workers.crashed > 0 ? "card bad" : "card"} href="#/workers">
        <span class="card-label">Workers</span>
        <span class="card-value">{formatCount(workers.alive)}</span>
        <span class="card-note">
          {workers.crashed > 0 ? `${formatCount(workers.crashed)} silent` : "all heard of"}
        </span>
      </a>
      <a class={isLate ? "card bad" : "card"} href={formatHash("jobs", { state: "ready" })}>
        <span class="card-label">Oldest wait</span>
        <span class="card-value">
          {oldestReadyMs === null ? "–" : formatDuration(oldestReadyMs)}
        </span>
        <span class="card-note">{oldestReadyMs === null ? "nothing waits" : "of a ready job"}</span>
      </a>
    </div>
  );
}

const notes: Readonly<Record<JobState, string>> = {
  ready: "wait for a worker",
  running: "held by workers",
  scheduled: "for later",
  blocked: "wait for their key",
};

function Problems({ problems }: { readonly problems: readonly Problem[] }): VNode {
  return (
    <Panel title="Queues to look at">
      {problems.length === 0 ? (
        <Empty icon="done" title="Nothing to look at">
          Every queue is served.
        </Empty>
      ) : (
        <ul class="lines">
          {problems.map((problem) => (
            <ProblemLine key={`${problem.queue} ${problem.kind}`} problem={problem} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function ProblemLine({ problem }: { readonly problem: Problem }): VNode {
  const { queue, kind, text } = problem;
  const target =
    kind === "failing"
      ? formatHash("history", { queue, outcome: "failed" })
      : formatHash("jobs", { queue });
  const resume = (): Promise<unknown> =>
    perform("resume-queue", { name: queue }, () => `The queue ${queue} goes on.`);
  return (
    <li>
      <span class={`badge ${kind === "paused" ? "blocked" : "failed"}`} />
      <a class="grow" href={target}>
        {text}
      </a>
      {kind === "paused" && (
        <Button size="tiny" icon="play" power="resume-queue" onClick={resume}>
          Resume
        </Button>
      )}
    </li>
  );
}

function Findings(): VNode {
  const { data } = useRead("findings", {}, "once");
  const found = data?.findings.filter(({ level }) => level !== "ok") ?? [];
  return (
    <Panel title="Findings of the doctor">
      {data === undefined && <Skeleton rows={3} />}
      {data !== undefined && found.length === 0 && (
        <Empty icon="done" title="Nothing found">
          {formatCount(data.findings.length)} checks: the database and the settings are as they
          should be.
        </Empty>
      )}
      {found.length > 0 && (
        <ul class="lines">
          {found.map(({ check, level, message, fix }) => (
            <li key={`${check} ${message}`}>
              <span class={`badge ${level === "error" ? "failed" : "blocked"}`}>{level}</span>
              <span class="grow">
                {message}
                {fix !== null && <span class="soft"> {fix}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
