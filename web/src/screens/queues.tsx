import type { VNode } from "preact";
import type { QueueRow } from "../../../src/dashboard/api.ts";
import { formatHash } from "../address.ts";
import { useRead } from "../data.ts";
import { formatBound, formatDuration } from "../format.ts";
import { useListKeys } from "../keys.ts";
import { Button } from "../parts/button.tsx";
import { confirm } from "../parts/confirm.tsx";
import { Empty, Failure, Skeleton } from "../parts/said.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { go } from "../route.ts";
import { capitalised, states } from "../states.ts";
import { perform } from "../toasts.ts";

const mostTasks = 200;

/** The queues: what waits in each, who serves it, and whether it is paused. */
export function QueuesScreen(): VNode {
  const { data, error } = useRead("queues", {});
  const rows = data?.queues ?? [];
  const current = useListKeys(rows, { open: ({ name }) => go("jobs", { queue: name }) });
  return (
    <div class="stack">
      <section class="panel" aria-label="Queues">
        <Failure error={error} />
        {data === undefined && <Skeleton rows={8} />}
        {data !== undefined && rows.length === 0 && (
          <Empty icon="queues" title="No queue yet">
            A queue is there as soon as a job is: <a href="#/enqueue">enqueue one</a>.
          </Empty>
        )}
        {rows.length > 0 && (
          <div class="table-frame">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Queue</th>
                  {states.map((state) => (
                    <th
                      key={state}
                      scope="col"
                      class={state === "ready" ? "number" : "number wide"}
                    >
                      {capitalised(state)}
                    </th>
                  ))}
                  <th scope="col" class="number wide">
                    Oldest
                  </th>
                  <th scope="col" class="wide">
                    Ready, lately
                  </th>
                  <th scope="col" class="number">
                    Workers
                  </th>
                  <th scope="col">
                    <span class="hidden-text">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row, index) => (
                  <Row key={row.name} row={row} isCurrent={index === current} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Tasks />
    </div>
  );
}

function Row({ row, isCurrent }: { readonly row: QueueRow; readonly isCurrent: boolean }): VNode {
  const { name, counts, oldestReadyMs, workers, depths } = row;
  const isStuck = workers === 0 && counts.ready.count > 0;
  return (
    <tr class={isCurrent ? "current" : undefined}>
      <td>
        <Name row={row} href={formatHash("jobs", { queue: name })} />
      </td>
      {states.map((state) => (
        <td key={state} class={state === "ready" ? "number" : "number wide"}>
          <a href={formatHash("jobs", { queue: name, state })}>{formatBound(counts[state])}</a>
        </td>
      ))}
      <td class="number wide">{oldestReadyMs === null ? "–" : formatDuration(oldestReadyMs)}</td>
      <td class="wide">
        <Sparkline values={depths} label={`Ready jobs of ${name}, lately`} />
      </td>
      <td class="number">{isStuck ? <span class="badge failed">none</span> : workers}</td>
      <td class="narrow">
        <PauseButton kind="queue" row={row} />
      </td>
    </tr>
  );
}

/** The tasks that are known, and whether their jobs may start. */
function Tasks(): VNode | null {
  const { data } = useRead("tasks", {});
  if (data === undefined || data.tasks.length === 0) return null;
  return (
    <section class="panel" aria-label="Tasks">
      <div class="table-frame">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col" class="wide">
                Queue
              </th>
              <th scope="col">
                <span class="hidden-text">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.tasks.slice(0, mostTasks).map((task) => (
              <tr key={task.name}>
                <td>
                  <Name row={task} href={formatHash("jobs", { task: task.name })} />
                </td>
                <td class="wide">{task.queue ?? "–"}</td>
                <td class="narrow">
                  <PauseButton kind="task" row={task} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface Pausable {
  readonly name: string;
  readonly paused: boolean;
}

function Name({ row, href }: { readonly row: Pausable; readonly href: string }): VNode {
  return (
    <>
      <span class="cut">
        <a href={href} title={row.name}>
          <strong>{row.name}</strong>
        </a>
      </span>
      {row.paused && <span class="badge blocked">paused</span>}
    </>
  );
}

function PauseButton(props: { readonly kind: "queue" | "task"; readonly row: Pausable }): VNode {
  const { kind } = props;
  const { name, paused } = props.row;
  if (paused) {
    const resume = (): Promise<unknown> =>
      perform(`resume-${kind}`, { name }, () => `The ${kind} ${name} goes on.`);
    return (
      <Button size="tiny" icon="play" power={`resume-${kind}`} onClick={resume}>
        Resume
      </Button>
    );
  }
  const pause = (): void => {
    confirm({
      title: `Pause the ${kind} ${name}?`,
      text: "No job of it starts, on any worker, until it is resumed. What runs already goes on.",
      verb: "Pause",
      onYes: () => perform(`pause-${kind}`, { name }, () => `The ${kind} ${name} is paused.`),
    });
  };
  return (
    <Button size="tiny" icon="pause" power={`pause-${kind}`} onClick={pause}>
      Pause
    </Button>
  );
}
