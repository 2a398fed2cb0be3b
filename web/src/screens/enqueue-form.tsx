import { useMemo, useState } from "preact/hooks";
import type { Enqueueing, TaskRow } from "../../../src/dashboard/api.ts";
import { change } from "../api.ts";
import { formatJson, tryParseJson, type JsonNode } from "../json-text.ts";
import { ActionButton } from "../parts/button.tsx";
import { Field } from "../parts/schema-form.tsx";
import { go } from "../route.ts";
import { checkJson, emptyOf, fits, readSchema, type Shape } from "../schema.ts";
import { messageOf, sayDone } from "../toasts.ts";
import type { Copy } from "./enqueue.tsx";

interface EnqueueFormProps {
  readonly name: string;
  /** Undefined when nothing is known of the task but its name. */
  readonly task: TaskRow | undefined;
  readonly copy: Copy | undefined;
}

/** The payload and where and when to run it. The payload is JSON text at any time; a form is a way to write it. */
export function EnqueueForm({ name, task, copy }: EnqueueFormProps) {
  const shape = useMemo<Shape>(
    () => (task?.payloadSchema == null ? { kind: "any" } : readSchema(task.payloadSchema)),
    [task?.payloadSchema],
  );
  const [payload, setPayload] = useState(() => copy?.payload ?? formatJson(emptyOf(shape)));
  const [more, setMore] = useState<Placement>({
    ...{ queue: copy?.of.queue ?? "", delay: "", priority: "" },
    correlationId: copy?.correlationId ?? "",
  });
  const enqueue = async () => {
    checkJson(payload);
    const job = await change("enqueue", {
      ...{ task: name, payload },
      ...sentOf(more),
      ...(copy === undefined ? {} : { copyOf: copy.of }),
    });
    sayDone(`Enqueued a job of ${name}.`);
    go("job", { queue: job.queue, id: job.id });
  };
  return (
    <>
      <PayloadField shape={shape} text={payload} onChange={setPayload} />
      <PlacementFields
        placement={more}
        queue={task?.queue ?? "default"}
        onChange={setMore}
      />
      <div class="row">
        <ActionButton class="main" needs="admin" icon="enqueue" onPress={enqueue}>
          Enqueue
        </ActionButton>
      </div>
    </>
  );
}

interface PayloadFieldProps {
  readonly shape: Shape;
  readonly text: string;
  readonly onChange: (text: string) => void;
}

function PayloadField({ shape, text, onChange }: PayloadFieldProps) {
  const node = tryParseJson(text);
  // Only on the way into the form: a number that is half written does not throw anybody out of it.
  const [isText, setText] = useState(() => reasonAgainstForm(shape, node) !== undefined);
  const reason = isText ? reasonAgainstForm(shape, node) : undefined;
  return (
    <div class="field">
      <div class="between">
        {isText ? <label for="payload">Payload</label> : <span class="label">Payload</span>}
        <span class="row">
          <ActionButton class="small" reason={reason} onPress={() => setText(!isText)}>
            {isText ? "Use the form" : "Use JSON text"}
          </ActionButton>
        </span>
      </div>
      {isText || node === undefined ? (
        <JsonArea text={text} onChange={onChange} />
      ) : (
        <Field
          shape={shape}
          node={node}
          id="payload"
          name="payload"
          onChange={(next) => onChange(formatJson(next))}
        />
      )}
    </div>
  );
}

function JsonArea({ text, onChange }: Omit<PayloadFieldProps, "shape">) {
  const wrong = wrongWith(text);
  return (
    <>
      <textarea
        id="payload"
        rows={14}
        spellcheck={false}
        aria-invalid={wrong !== undefined}
        value={text}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {wrong !== undefined && <span class="wrong">{wrong}</span>}
    </>
  );
}

interface Placement {
  readonly queue: string;
  readonly delay: string;
  readonly priority: string;
  readonly correlationId: string;
}

const fields = [
  { name: "delay", label: "Delay", hint: "such as 5m; empty: at once", placeholder: "0s" },
  { name: "priority", label: "Priority", hint: "lower runs first", placeholder: "of the task" },
  { name: "correlationId", label: "Correlation id", hint: "your own", placeholder: "none" },
] as const;

interface PlacementFieldsProps {
  readonly placement: Placement;
  /** Of the task. */
  readonly queue: string;
  readonly onChange: (placement: Placement) => void;
}

function PlacementFields({ placement, queue, onChange }: PlacementFieldsProps) {
  const all = [
    { name: "queue", label: "Queue", hint: "empty: that of the task", placeholder: queue },
    ...fields,
  ] as const;
  return (
    <div class="row">
      {all.map(({ name, label, hint, placeholder }) => (
        <div class="field" key={name}>
          <label for={`new-${name}`}>{label}</label>
          <input
            id={`new-${name}`}
            placeholder={placeholder}
            value={placement[name]}
            onInput={(event) => onChange({ ...placement, [name]: event.currentTarget.value })}
          />
          <span class="hint">{hint}</span>
        </div>
      ))}
    </div>
  );
}

function sentOf({ queue, delay, priority, correlationId }: Placement): Partial<Enqueueing> {
  const number = priority.trim();
  if (number !== "" && !/^-?\d+$/.test(number)) {
    throw new Error(`Expected the priority to be a whole number, got ${number}.`);
  }
  return {
    ...(queue.trim() === "" ? {} : { queue: queue.trim() }),
    ...(delay.trim() === "" ? {} : { delay: delay.trim() }),
    ...(number === "" ? {} : { priority: Number(number) }),
    ...(correlationId.trim() === "" ? {} : { correlationId: correlationId.trim() }),
  };
}

function reasonAgainstForm(shape: Shape, node: JsonNode | undefined): string | undefined {
  if (shape.kind === "any") return "The task gives no JSON Schema of its payload.";
  if (node === undefined) return "The text is no JSON.";
  return fits(shape, node) ? undefined : "The text has something that the form cannot show.";
}

function wrongWith(text: string): string | undefined {
  try {
    checkJson(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
