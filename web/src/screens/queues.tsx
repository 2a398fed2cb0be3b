import type { QueueRow } from "../../../src/dashboard/api.ts";
import { change } from "../api.ts";
import { formatCount, formatNumber } from "../format.ts";
import { ActionButton } from "../parts/button.tsx";
import { ask } from "../parts/dialog.tsx";
import { Empty, Name, State, Title, Took, Trouble } from "../parts/marks.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";
import { hashOf } from "../route.ts";
import { sayDone } from "../toasts.ts";

const states = ["ready", "running", "scheduled", "blocked"] as const;

/** Every queue: how much waits in it, for how long, and who takes it. */
export function QueuesScreen() {
  const { answer, failure, again } = useReading("queues", {});
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="queues">Queues</Title>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Queues"
          rows={answer?.queues}
          keyOf={({ name }) => name}
          open={({ name }) => hashOf("jobs", { queue: name })}
          columns={columnsWith(again)}
          empty={
            <Empty title="No queues yet">
              <p>A queue appears with the first job that is enqueued into it.</p>
              <div class="row">
                <a class="button" href={hashOf("enqueue")}>
                  Enqueue a job
                </a>
              </div>
            </Empty>
          }
        />
      </section>
    </div>
  );
}

function columnsWith(again: () => void): Column<QueueRow>[] {
  return [
    {
      title: "Queue",
      cell: ({ name, paused }) => (
        <span class="row">
          <a href={hashOf("jobs", { queue: name })}>
            <Name text={name} />
          </a>
          {paused && <State name="paused" />}
        </span>
      ),
    },
    ...states.map((state) => ({
      title: state.charAt(0).toUpperCase() + state.slice(1),
      class: "number",
      cell: ({ name, counts }: QueueRow) =>
        counts[state].count === 0 ? (
          <span class="faint">0</span>
        ) : (
          <a href={hashOf("jobs", { queue: name, state })}>{formatCount(counts[state])}</a>
        ),
    })),
    { title: "Oldest", class: "number", cell: ({ oldestReadyMs }) => <Took ms={oldestReadyMs} /> },
    {
      title: "Depth",
      cell: ({ name, depths }) => <Sparkline values={depths} label={`Ready jobs of ${name}`} />,
    },
    { title: "Workers", class: "number", cell: ({ workers }) => formatNumber(workers) },
    { title: "", cell: (queue) => <PauseButton queue={queue} onDone={again} /> },
  ];
}

function PauseButton({ queue, onDone }: { readonly queue: QueueRow; readonly onDone: () => void }) {
  const { name, paused } = queue;
  const resume = async () => {
    await change("resume-queue", { name });
    sayDone(`Resumed the queue ${name}.`);
    onDone();
  };
  const pause = () =>
    ask({
      title: "Pause the queue?",
      text: `No worker starts a job of ${name} until it is resumed. What runs goes on to its end.`,
      action: "Pause",
      run: async () => {
        await change("pause-queue", { name });
        sayDone(`Paused the queue ${name}.`);
        onDone();
      },
    });
  return (
    <span class="actions">
      <ActionButton
        class="small"
        needs="operator"
        icon={paused ? "play" : "pause"}
        label={`${paused ? "Resume" : "Pause"} ${name}`}
        onPress={paused ? resume : pause}
      >
        {paused ? "Resume" : "Pause"}
      </ActionButton>
    </span>
  );
}
