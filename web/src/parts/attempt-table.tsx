import type { VNode } from "preact";
import type { AttemptRow } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { formatDuration, shortId } from "../format.ts";
import { keyOf } from "../outcomes.ts";
import type { Selection } from "../selection.ts";
import { Badge, Time } from "./said.tsx";

/** What tells an attempt apart from all others. */
export function attemptKey(row: AttemptRow): string {
  return `${row.attempt} ${keyOf(row)}`;
}

/** Attempts that have ended, one a row. */
export function AttemptTable(props: {
  readonly rows: readonly AttemptRow[];
  readonly selection: Selection<AttemptRow>;
  readonly current: number;
  readonly isStale: boolean;
}): VNode {
  const { rows, selection, current, isStale } = props;
  return (
    <div class="table-frame">
      <table class="table" aria-busy={isStale}>
        <thead>
          <tr>
            <th class="narrow" scope="col">
              <input
                type="checkbox"
                aria-label="Select all on this page"
                checked={selection.areAll}
                onChange={selection.toggleAll}
              />
            </th>
            <th scope="col">Job</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="wide">
              Queue
            </th>
            <th scope="col" class="number wide">
              Waited
            </th>
            <th scope="col" class="number wide">
              Ran
            </th>
            <th scope="col">Ended</th>
            <th scope="col" class="wide">
              Error
            </th>
          </tr>
        </thead>
        <tbody class={isStale ? "stale" : undefined}>
          {rows.map((row, index) => (
            <Row
              key={attemptKey(row)}
              row={row}
              selection={selection}
              isCurrent={index === current}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  readonly row: AttemptRow;
  readonly selection: Selection<AttemptRow>;
  readonly isCurrent: boolean;
}): VNode {
  const { row, selection, isCurrent } = props;
  const { queue, id, task, attempt, error } = row;
  return (
    <tr class={isCurrent ? "current" : undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${task} ${shortId(id)}, attempt ${attempt}`}
          checked={selection.has(row)}
          onChange={() => selection.toggle(row)}
        />
      </td>
      <td>
        <span class="cut">
          <a href={formatHash("job", { queue, id })} title={`${task} ${id}`}>
            <strong>{task}</strong> <span class="mono soft">{shortId(id)}</span>
          </a>
        </span>
      </td>
      <td class="nowrap">
        <Badge name={row.outcome} />
        {!row.final && <span class="soft small"> attempt {attempt}</span>}
      </td>
      <td class="wide">
        <span class="cut" title={queue}>
          {queue}
        </span>
      </td>
      <td class="number wide">{row.waitMs === null ? "–" : formatDuration(row.waitMs)}</td>
      <td class="number wide">{row.runMs === null ? "–" : formatDuration(row.runMs)}</td>
      <td>
        <Time at={row.finishedAt} />
      </td>
      <td class="wide">
        <span class="cut" title={error?.message}>
          {error === null ? <span class="soft">–</span> : `${error.name}: ${error.message}`}
        </span>
      </td>
    </tr>
  );
}
