import { useEffect } from "preact/hooks";
import { formatNumber, percent } from "../format.ts";
import { beat } from "../live.ts";
import {
  describePlan,
  dismissOperation,
  lookAtOperations,
  stopOperation,
  watched,
  type Watched,
} from "../operations.ts";
import { hashOf } from "../route.ts";
import { ActionButton } from "./button.tsx";

const idleBeats = 5;

/** What changes all that match, in the corner, as long as it runs and until somebody has seen how it ended. */
export function Tray() {
  const list = watched.value;
  const time = beat.value;
  const isRunning = list.some(({ row }) => row.state === "running");
  useEffect(() => {
    if (isRunning || time % idleBeats === 0) void lookAtOperations();
  }, [time, isRunning]);
  if (list.length === 0) return null;
  return (
    <section class="tray" aria-label="Operations">
      <header>
        <h2>
          <a href={hashOf("operations")}>Operations</a>
        </h2>
      </header>
      <ul>
        {list.map((each) => (
          <Entry key={each.row.id} {...each} />
        ))}
      </ul>
    </section>
  );
}

function Entry({ row, expected }: Watched) {
  const text = describePlan(row.plan);
  return (
    <li>
      <div class="between">
        <span class="cut" title={text}>
          {text}
        </span>
        {row.state === "running" ? (
          <ActionButton class="small" needs="operator" onPress={() => stopOperation(row.id)}>
            Stop
          </ActionButton>
        ) : (
          <ActionButton
            class="plain small square"
            icon="cancel"
            label="Dismiss"
            onPress={() => dismissOperation(row.id)}
          />
        )}
      </div>
      <OperationMeter row={row} expected={expected} />
      <span class="soft" role="status">
        {row.state}: {formatNumber(row.changed)} changed
        {expected === undefined ? "" : ` of ${formatNumber(expected)}`}
        {row.refused > 0 && `, ${formatNumber(row.refused)} had moved on`}, {formatNumber(row.examined)}{" "}
        examined
      </span>
      {row.error !== null && <span class="wrong">{row.error}</span>}
    </li>
  );
}

function OperationMeter({ row, expected }: Watched) {
  const part = row.state === "running" ? percent(row.changed + row.refused, expected ?? 0) : 100;
  return (
    <span class={`meter ${row.state}`} aria-hidden="true">
      <span style={{ width: `${part}%` }} />
    </span>
  );
}
