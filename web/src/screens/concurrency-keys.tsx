import type { VNode } from "preact";
import type { KeysPage } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { useRead } from "../data.ts";
import { formatBound, formatCount, plural } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { confirm } from "../parts/confirm.tsx";
import { Pager } from "../parts/pager.tsx";
import { Empty, Failure, Meter, Skeleton } from "../parts/said.tsx";
import { route } from "../route.ts";
import { perform } from "../toasts.ts";

/** The concurrency keys that have jobs: what runs of each, and what waits. */
export function ConcurrencyKeysScreen(): VNode {
  const { query } = route.value;
  const { queue, after } = query;
  const { data, error } = useRead("concurrency-keys", {
    ...(queue === undefined ? {} : { queue }),
    ...(after === undefined ? {} : { after }),
  });
  const keys = data?.keys ?? [];
  return (
    <section class="panel" aria-label="Concurrency keys">
      <Failure error={error} />
      {data === undefined && <Skeleton rows={6} />}
      {data?.keys.length === 0 && (
        <Empty icon="keys" title="No concurrency key has jobs">
          Jobs that share one run at most so many at a time: the option <code>concurrency</code> of
          a task.
        </Empty>
      )}
      {keys.length > 0 && (
        <div class="table-frame">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col" class="wide">
                  Queue
                </th>
                <th scope="col" class="wide">
                  Lanes
                </th>
                <th scope="col" class="number">
                  Running
                </th>
                <th scope="col" class="number">
                  Waiting
                </th>
                <th scope="col">
                  <span class="hidden-text">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((row) => (
                <Row key={`${row.queue} ${row.key}`} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="table-foot">
        <Pager query={query} next={data?.next ?? null} />
      </div>
    </section>
  );
}

function Row({ row }: { readonly row: KeysPage["keys"][number] }): VNode {
  const { queue, key, limit, running, waiting } = row;
  const unlock = (): void => {
    confirm({
      title: `Unlock ${key}?`,
      text:
        "Jobs that hold a lane of it lose it and go back to wait, even when a handler still runs. " +
        "Do this when you know that nothing runs any more.",
      verb: "Unlock",
      onYes: () =>
        perform(
          "unlock-key",
          { queue, key },
          ({ unlocked }) => `${plural(unlocked, "lane")} freed.`,
        ),
    });
  };
  return (
    <tr>
      <td>
        <span class="cut">
          <a href={formatHash("jobs", { queue, concurrencyKey: key })} title={key}>
            <strong>{key}</strong>
          </a>
        </span>
      </td>
      <td class="wide">
        <span class="cut" title={queue}>
          {queue}
        </span>
      </td>
      <td class="wide">
        <Meter label={`Lanes of ${key} in use`} used={running.count} capacity={limit} />
      </td>
      <td class="number">
        {formatBound(running)} of {formatCount(limit)}
      </td>
      <td class="number">{formatBound(waiting)}</td>
      <td class="narrow">
        <Button
          size="tiny"
          icon="unlock"
          look="danger"
          power="unlock-key"
          against={running.count === 0 ? "Nothing holds a lane of it." : undefined}
          onClick={unlock}
        >
          Unlock
        </Button>
      </td>
    </tr>
  );
}
