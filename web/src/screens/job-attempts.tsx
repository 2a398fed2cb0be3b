import type { AttemptRow, ErrorRow, JobPageDetails } from "../../../src/dashboard/api.ts";
import { formatDuration } from "../format.ts";
import { now } from "../clock.ts";
import { CopyButton } from "../parts/button.tsx";
import { JsonViewer } from "../parts/json-viewer.tsx";
import { Empty, State, Time } from "../parts/marks.tsx";

/** What has become of a job so far: each attempt, for how long it waited, for how long it ran, and how it ended. */
export function Attempts({ job }: { readonly job: JobPageDetails }) {
  const { attempts } = job;
  const longest = Math.max(1, ...attempts.map((each) => (each.waitMs ?? 0) + (each.runMs ?? 0)));
  return (
    <section class="panel">
      <header>
        <h2>Attempts</h2>
        <span class="soft">waited and ran, newest first</span>
      </header>
      {job.state === "running" && job.claimedAt !== null && <Running since={job.claimedAt} />}
      {attempts.length === 0 && job.state !== "running" && (
        <Empty title="No attempt yet">Each one leaves a row here when it has ended.</Empty>
      )}
      {[...attempts].reverse().map((attempt) => (
        <Attempt key={attempt.attempt} attempt={attempt} longest={longest} />
      ))}
    </section>
  );
}

function Running({ since }: { readonly since: string }) {
  return (
    <div class="attempt running">
      <div class="line">
        <State name="running" />
        <span class="soft">for {formatDuration(now.value - Date.parse(since))}</span>
        <Time at={since} />
      </div>
    </div>
  );
}

interface AttemptProps {
  readonly attempt: AttemptRow;
  /** What the longest bar stands for. */
  readonly longest: number;
}

function Attempt({ attempt, longest }: AttemptProps) {
  const { waitMs, runMs, outcome, error, output } = attempt;
  const spans = [
    waitMs === null ? "" : `waited ${formatDuration(waitMs)}`,
    runMs === null ? "" : `ran ${formatDuration(runMs)}`,
  ].filter((text) => text !== "");
  return (
    <div class={`attempt ${outcome}`}>
      <div class="line">
        <strong>Attempt {attempt.attempt}</strong>
        <State name={outcome} />
        <span class="soft">{spans.join(", ")}</span>
        <Time at={attempt.finishedAt} />
      </div>
      <div class="span" title={spans.join(", ")} aria-hidden="true">
        <span class="wait" style={{ width: widthOf(waitMs, longest) }} />
        <span class="run" style={{ width: widthOf(runMs, longest) }} />
      </div>
      {attempt.workerId !== null && (
        <span class="soft">
          on <span class="mono">{attempt.workerId}</span>
        </span>
      )}
      {error !== null && <Thrown error={error} />}
      {output !== null && (
        <details>
          <summary>Output</summary>
          <JsonViewer text={output} />
        </details>
      )}
    </div>
  );
}

function Thrown({ error }: { readonly error: ErrorRow }) {
  const { name, message, stack, code, causes } = error;
  return (
    <div class="error">
      <div class="head">
        <div>
          <strong>{name}</strong> {code !== null && <span class="mono soft">{code}</span>}
          <div>{message}</div>
          {causes.map((cause, place) => (
            <div key={place} class="soft">
              because of {cause}
            </div>
          ))}
        </div>
        <CopyButton text={stack ?? `${name}: ${message}`} label="Copy the error" />
      </div>
      {stack !== null && (
        <details>
          <summary>Stack</summary>
          <pre class="text" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
    </div>
  );
}

function widthOf(ms: number | null, longest: number): string {
  return `${(((ms ?? 0) / longest) * 100).toFixed(2)}%`;
}
