import type { VNode } from "preact";
import type { JobRow } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { shortId } from "../format.ts";
import { keyOf } from "../outcomes.ts";
import type { Selection } from "../selection.ts";
import { Badge, Time } from "./said.tsx";

/** Live jobs, one a row. */
export function JobTable(props: {
  readonly rows: readonly JobRow[];
  readonly selection: Selection<JobRow>;
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
            <th scope="col">State</th>
            <th scope="col" class="wide">
              Queue
            </th>
            <th scope="col" class="number">
              Attempt
            </th>
            <th scope="col">When</th>
            <th scope="col" class="wide">
              Last error
            </th>
          </tr>
        </thead>
        <tbody class={isStale ? "stale" : undefined}>
          {rows.map((row, index) => (
            <Row key={keyOf(row)} row={row} selection={selection} isCurrent={index === current} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  readonly row: JobRow;
  readonly selection: Selection<JobRow>;
  readonly isCurrent: boolean;
}): VNode {
  const { row, selection, isCurrent } = props;
  const { queue, id, task } = row;
  return (
    <tr class={isCurrent ? "current" : undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${task} ${shortId(id)}`}
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
      <td>
        <Badge name={row.state} />
      </td>
      <td class="wide">
        <span class="cut" title={queue}>
          {queue}
        </span>
      </td>
      <td class="number" title={`${row.failures} of ${row.maxAttempts} failures`}>
        {row.attempt}
        {row.failures > 0 && (
          <span class="soft">
            {" "}
            ({row.failures}/{row.maxAttempts})
          </span>
        )}
      </td>
      <td>
        <Time at={row.state === "running" ? row.claimedAt : row.runAt} />
      </td>
      <td class="wide">
        <span class="cut" title={row.lastError ?? undefined}>
          {row.lastError ?? <span class="soft">–</span>}
        </span>
      </td>
    </tr>
  );
}
