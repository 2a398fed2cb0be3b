import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Enqueueing, JobPageDetails, TaskRow } from "../../../src/dashboard/api.ts";
import { useRead } from "../data.ts";
import { isJson } from "../form-draft.ts";
import { shortId } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { SelectField, TextField } from "../parts/field.tsx";
import { PayloadField, usePayload } from "../parts/payload-field.tsx";
import { Empty, Failure, Panel, Skeleton } from "../parts/said.tsx";
import { choose, go, route } from "../route.ts";
import { reasonAgainst } from "../session.ts";
import { perform } from "../toasts.ts";

/** Enqueues a job: anew, or as a copy of another with its payload edited. */
export function EnqueueScreen(): VNode {
  const { data, error } = useRead("tasks", {}, "once");
  const { copyQueue, copyId } = route.value.query;
  const against = reasonAgainst("enqueue");
  if (against !== undefined) {
    return (
      <section class="panel">
        <Empty icon="enqueue" title="You may not enqueue jobs from here">
          {against}
        </Empty>
      </section>
    );
  }
  if (data === undefined)
    return error === undefined ? <Skeleton rows={8} /> : <Failure error={error} />;
  if (data.tasks.length === 0) {
    return (
      <section class="panel">
        <Empty icon="enqueue" title="No task is known">
          Give the application's tasks to its <code>Pawl</code>, or start a worker.
        </Empty>
      </section>
    );
  }
  if (copyQueue === undefined || copyId === undefined) return <Form tasks={data.tasks} />;
  return <CopyForm tasks={data.tasks} queue={copyQueue} id={copyId} />;
}

// A copy needs the secrets as well: it is read as it is, which the audit notes.
function CopyForm(props: {
  readonly tasks: readonly TaskRow[];
  readonly queue: string;
  readonly id: string;
}): VNode {
  const { queue, id } = props;
  const { data, error } = useRead("job", { queue, id, raw: "true" }, "once");
  // What is changed meanwhile is not typed over.
  const [original, setOriginal] = useState<JobPageDetails | undefined>(undefined);
  useEffect(() => setOriginal((before) => before ?? data), [data]);
  if (original?.isPayloadCut === true) {
    return (
      <Empty icon="enqueue" title="This payload is too long to be edited here">
        A copy of it would lack what is not shown.
      </Empty>
    );
  }
  if (original !== undefined) return <Form tasks={props.tasks} original={original} />;
  return error === undefined ? <Skeleton rows={8} /> : <Failure error={error} />;
}

function Form(props: {
  readonly tasks: readonly TaskRow[];
  readonly original?: JobPageDetails;
}): VNode {
  const { tasks, original } = props;
  const chosen = original?.task ?? route.value.query.task ?? tasks[0]?.name ?? "";
  const task = tasks.find(({ name }) => name === chosen);
  const payload = usePayload(task?.payloadSchema ?? null, original?.payload ?? undefined);
  const [queue, setQueue] = useState(original?.queue ?? "");
  const [delay, setDelay] = useState("");
  const [priority, setPriority] = useState(String(original?.priority ?? ""));
  const [correlationId, setCorrelationId] = useState(original?.correlationId ?? "");
  const names = [...new Set([...tasks.map(({ name }) => name), chosen])];
  const against = reasonAgainstSending(payload.json, priority);
  const enqueue = async (): Promise<void> => {
    if (payload.json === undefined) return;
    const answer = await perform(
      "enqueue",
      bodyOf(
        { task: chosen, payload: payload.json, queue, delay, priority, correlationId },
        original,
      ),
      ({ id }) => `The job ${shortId(id)} is enqueued.`,
    );
    if (answer !== undefined) go("job", { queue: answer.queue, id: answer.id });
  };
  return (
    <Panel title={original === undefined ? "A new job" : `A copy of ${shortId(original.id)}`}>
      <div class="panel-body stack">
        <div class="fields">
          <SelectField
            label="Task"
            value={chosen}
            options={names.map((name) => [name, name] as const)}
            onChange={(name) => choose({ task: name, copyQueue: undefined, copyId: undefined })}
            note={
              task?.isKnown === false && "This application does not know it: nothing is checked"
            }
          />
          <TextField
            label="Queue"
            value={queue}
            placeholder={task?.queue ?? "default"}
            onChange={setQueue}
          />
          <TextField label="Delay" value={delay} placeholder="now, or 5m" onChange={setDelay} />
          <TextField label="Priority" value={priority} placeholder="0" onChange={setPriority} />
          <TextField label="Correlation id" value={correlationId} onChange={setCorrelationId} />
        </div>
        <PayloadField payload={payload} />
        <div class="row">
          <Button look="first" icon="enqueue" power="enqueue" against={against} onClick={enqueue}>
            Enqueue
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function reasonAgainstSending(json: string | undefined, priority: string): string | undefined {
  if (!isJson(json ?? "")) return "The payload is not complete.";
  return /^(?:-?\d{1,5})?$/.test(priority) ? undefined : "A priority is an integer.";
}

interface Typed {
  readonly task: string;
  readonly payload: string;
  readonly queue: string;
  readonly delay: string;
  readonly priority: string;
  readonly correlationId: string;
}

function bodyOf(typed: Typed, original: JobPageDetails | undefined): Enqueueing {
  const { task, payload, queue, delay, priority, correlationId } = typed;
  return {
    task,
    payload,
    ...(queue === "" ? {} : { queue }),
    ...(delay === "" ? {} : { delay }),
    ...(priority === "" ? {} : { priority: Number(priority) }),
    ...(correlationId === "" ? {} : { correlationId }),
    ...(original === undefined ? {} : { copyOf: { queue: original.queue, id: original.id } }),
  };
}
