import type { ComponentChildren } from "preact";
import type { Count, FindingRow, Overview, Problem } from "../../../src/dashboard/api.ts";
import { change } from "../api.ts";
import { formatCount, formatDuration, formatNumber, plural } from "../format.ts";
import { overview, refresh } from "../live.ts";
import { ActionButton } from "../parts/button.tsx";
import { Icon } from "../parts/icons.tsx";
import { Empty, Title } from "../parts/marks.tsx";
import { useReading } from "../reading.ts";
import { hashOf } from "../route.ts";
import { sayDone } from "../toasts.ts";
import { Charts } from "./overview-charts.tsx";

/** How things are, and what somebody should look at. */
export function OverviewScreen() {
  const now = overview.value;
  const { answer } = useReading("findings", {}, 60_000);
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="overview">Overview</Title>
      </div>
      {now !== undefined && <NoWorkers now={now} />}
      <Cards now={now} />
      <Charts now={now} />
      <div class="halves">
        <Problems problems={now?.problems} />
        <Findings findings={answer?.findings} />
      </div>
    </div>
  );
}

function NoWorkers({ now }: { readonly now: Overview }) {
  const { ready } = now.counts;
  if (now.workers.alive > 0 || ready.count === 0) return null;
  return (
    <div class="alarm" role="alert">
      <Icon name="warning" />
      <h2>No workers</h2>
      <p>
        {formatCount(ready)} {ready.count === 1 ? "job waits" : "jobs wait"}, and nothing runs them.
        Start a worker with <code>pawl.worker({"{ handlers }"}).start()</code> or{" "}
        <code>npx pawl work</code>.
      </p>
      <a class="button" href={hashOf("workers")}>
        Workers
      </a>
    </div>
  );
}

function Cards({ now }: { readonly now: Overview | undefined }) {
  const oldest = now?.oldestReadyMs ?? null;
  return (
    <div class="cards">
      {(["ready", "running", "scheduled", "blocked"] as const).map((state) => (
        <Card key={state} href={hashOf("jobs", { state })} tone={state} label={state}>
          {now && formatted(now.counts[state])}
        </Card>
      ))}
      <Card
        href={hashOf("workers")}
        label="workers"
        isBad={(now?.workers.crashed ?? 0) > 0}
        note={now && now.workers.crashed > 0 ? `${now.workers.crashed} silent` : ""}
      >
        {now && formatNumber(now.workers.alive)}
      </Card>
      <Card href={hashOf("jobs", { state: "ready" })} label="oldest wait">
        {now && (oldest === null ? "–" : formatDuration(oldest))}
      </Card>
    </div>
  );
}

interface CardProps {
  readonly href: string;
  readonly label: string;
  readonly tone?: string;
  readonly isBad?: boolean;
  readonly note?: string | undefined;
  readonly children: ComponentChildren;
}

function Card({ href, label, tone, isBad = false, note = "", children }: CardProps) {
  return (
    <a class={isBad ? "card bad" : "card"} href={href}>
      <span class="label">
        {tone !== undefined && <i class={`swatch ${tone}`} />}
        {label}
      </span>
      <span class="value">{children ?? "…"}</span>
      <span class="note">{note}</span>
    </a>
  );
}

function Problems({ problems }: { readonly problems: readonly Problem[] | undefined }) {
  return (
    <section class="panel">
      <header>
        <h2>Queues to look at</h2>
        {problems !== undefined && problems.length > 0 && (
          <span class="soft">{plural(problems.length, "queue")}</span>
        )}
      </header>
      {problems?.length === 0 ? (
        <Empty title="All queues are fine">Work is taken as it comes.</Empty>
      ) : (
        <ul class="list">
          {problems?.map((problem) => (
            <ProblemLine key={`${problem.queue} ${problem.kind}`} problem={problem} />
          ))}
        </ul>
      )}
    </section>
  );
}

const listed = { noWorkers: "ready", late: "ready", paused: "ready" } as const;

function ProblemLine({ problem: { queue, kind, text } }: { readonly problem: Problem }) {
  const href =
    kind === "failing"
      ? hashOf("history", { queue, outcome: "failed" })
      : hashOf("jobs", { queue, state: listed[kind] });
  const resume = async () => {
    await change("resume-queue", { name: queue });
    sayDone(`Resumed the queue ${queue}.`);
    refresh();
  };
  return (
    <li>
      <Icon name={kind === "paused" ? "pause" : "warning"} />
      <div>
        <a href={href}>
          <strong>{queue}</strong>
        </a>
        <span class="second">{text}</span>
      </div>
      {kind === "paused" && (
        <ActionButton class="small" needs="operator" icon="play" onPress={resume}>
          Resume
        </ActionButton>
      )}
    </li>
  );
}

function Findings({ findings }: { readonly findings: readonly FindingRow[] | undefined }) {
  return (
    <section class="panel">
      <header>
        <h2>Findings of the doctor</h2>
      </header>
      {findings?.length === 0 ? (
        <Empty title="The database is in good health">Every check has passed.</Empty>
      ) : (
        <ul class="list">
          {findings?.map(({ check, level, message, fix }) => (
            <li key={`${check} ${message}`}>
              <Icon name={level === "ok" ? "check" : "warning"} />
              <div>
                <strong>{message}</strong>
                <span class="second">
                  {check} · {level}
                </span>
                {fix !== null && <span class="second">{fix}</span>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function formatted(count: Count): string {
  return formatCount(count);
}
