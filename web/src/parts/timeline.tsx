import type { VNode } from "preact";
import type { AttemptRow, ErrorRow } from "../../../src/dashboard/api.ts";
import { formatDuration, formatExact } from "../format.ts";
import { CopyButton } from "./button.tsx";
import { JsonViewer } from "./json-viewer.tsx";
import { Badge, Empty, Time } from "./said.tsx";

/** The attempts of a job: how long each waited and ran, and what became of it. */
export function Timeline({ attempts }: { readonly attempts: readonly AttemptRow[] }): VNode {
  if (attempts.length === 0) {
    return (
      <Empty icon="history" title="No attempt has ended yet">
        Each attempt that ends is shown here, as far as its task keeps it.
      </Empty>
    );
  }
  const longest = Math.max(1, ...attempts.map(({ waitMs, runMs }) => (waitMs ?? 0) + (runMs ?? 0)));
  return (
    <ol class="attempts">
      {attempts.map((attempt) => (
        <Attempt key={attempt.attempt} attempt={attempt} longest={longest} />
      ))}
    </ol>
  );
}

function Attempt(props: { readonly attempt: AttemptRow; readonly longest: number }): VNode {
  const { attempt, longest } = props;
  const { outcome, waitMs, runMs, error, output } = attempt;
  return (
    <li class={outcome}>
      <div class="row wrap spread">
        <span class="row">
          <strong>Attempt {attempt.attempt}</strong>
          <Badge name={outcome} />
          {attempt.final && <span class="chip">final</span>}
        </span>
        <span class="row wrap soft small">
          {waitMs !== null && <span>waited {formatDuration(waitMs)}</span>}
          {runMs !== null && <span>ran {formatDuration(runMs)}</span>}
          <Time at={attempt.finishedAt} />
        </span>
      </div>
      <div
        class="span-track"
        title={`Could run at ${formatExact(attempt.runAt)}; ended at ${formatExact(attempt.finishedAt)}`}
      >
        <span class="span-wait" style={{ width: shareOf(waitMs, longest) }} />
        <span class="span-run" style={{ width: shareOf(runMs, longest) }} />
      </div>
      {attempt.workerId !== null && (
        <span class="soft small mono cut">worker {attempt.workerId}</span>
      )}
      {error !== null && <ErrorText error={error} />}
      {output !== null && (
        <details>
          <summary>Output</summary>
          <JsonViewer text={output} />
        </details>
      )}
    </li>
  );
}

// A little room is left for the shortest run, which is always seen.
function shareOf(milliseconds: number | null, longest: number): string {
  return `${(((milliseconds ?? 0) / longest) * 98).toFixed(2)}%`;
}

function ErrorText({ error }: { readonly error: ErrorRow }): VNode {
  const { name, message, code, stack, causes } = error;
  const whole = [`${name}: ${message}`, ...causes.map((cause) => `caused by ${cause}`)].join("\n");
  return (
    <div class="stack tight">
      <div class="row spread">
        <span class="error-text">
          {name}: {message}
          {code !== null && <span class="soft"> ({code})</span>}
        </span>
        <CopyButton text={stack === null ? whole : `${whole}\n${stack}`} label="Copy the error" />
      </div>
      {causes.map((cause, index) => (
        <span key={index} class="small soft">
          caused by {cause}
        </span>
      ))}
      {stack !== null && (
        <details>
          <summary>Stack</summary>
          <pre class="stack-text" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
    </div>
  );
}
