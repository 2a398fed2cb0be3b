import { useEffect, useState } from "preact/hooks";
import type { Reference, TaskRow } from "../../../src/dashboard/api.ts";
import { read } from "../api.ts";
import { formatJson, tryParseJson } from "../json-text.ts";
import { Icon } from "../parts/icons.tsx";
import { Empty, JobLink, Title, Trouble } from "../parts/marks.tsx";
import { useReading } from "../reading.ts";
import { change, hashOf, route } from "../route.ts";
import { may, reasonAgainst } from "../session.ts";
import { sayFailed } from "../toasts.ts";
import { EnqueueForm } from "./enqueue-form.tsx";

/** What a form begins with when it is a copy. */
export interface Copy {
  readonly of: Reference;
  readonly task: string;
  /** JSON text. */
  readonly payload: string;
  readonly correlationId: string | null;
}

/** A new job, or a copy of another with its payload edited. */
export function EnqueueScreen() {
  const { task, copyQueue, copyId } = route.value.params;
  const { answer, failure } = useReading("tasks", {}, 30_000);
  const { copy, isWaiting } = useCopy(copyQueue, copyId);
  const tasks = answer?.tasks;
  const name = copy?.task ?? task ?? tasks?.find(({ isKnown }) => isKnown)?.name;
  const chosen = tasks?.find((each) => each.name === name);
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="enqueue">Enqueue</Title>
        {copy !== undefined && (
          <span class="lead">
            a copy of <JobLink {...copy.of} />
          </span>
        )}
      </div>
      <Trouble failure={failure} />
      {!may("admin") && (
        <div class="banner">
          <Icon name="warning" />
          {reasonAgainst("admin")}
        </div>
      )}
      {tasks?.length === 0 ? (
        <NoTasks />
      ) : (
        <section class="panel">
          <div class="body form">
            <TaskSelect tasks={tasks ?? []} value={name ?? ""} isFixed={copy !== undefined} />
            {tasks !== undefined && name !== undefined && !isWaiting && (
              <EnqueueForm
                key={`${name} ${copy?.of.id ?? ""}`}
                name={name}
                task={chosen}
                copy={copy}
              />
            )}
          </div>
        </section>
      )}
    </div>
  );
}

interface TaskSelectProps {
  readonly tasks: readonly TaskRow[];
  readonly value: string;
  readonly isFixed: boolean;
}

function TaskSelect({ tasks, value, isFixed }: TaskSelectProps) {
  return (
    <div class="field">
      <label for="task">Task</label>
      <select
        id="task"
        value={value}
        disabled={isFixed}
        onChange={(event) => change({ task: event.currentTarget.value })}
      >
        {tasks.map(({ name, isKnown, paused }) => (
          <option key={name} value={name}>
            {name}
            {paused ? " (paused)" : ""}
            {isKnown ? "" : " (not of this application: its payload is not checked)"}
          </option>
        ))}
      </select>
    </div>
  );
}

function NoTasks() {
  return (
    <section class="panel">
      <Empty title="No tasks">
        <p>
          Give the tasks of the application to <code>new Pawl({"{ tasks }"})</code>, and they can be
          enqueued from here.
        </p>
        <div class="row">
          <a class="button" href={hashOf("overview")}>
            Overview
          </a>
        </div>
      </Empty>
    </section>
  );
}

// As it is, without redaction: what is redacted would otherwise be enqueued.
function useCopy(
  queue: string | undefined,
  id: string | undefined,
): { readonly copy: Copy | undefined; readonly isWaiting: boolean } {
  const isWanted = queue !== undefined && id !== undefined && may("admin");
  const [copy, setCopy] = useState<Copy | undefined>(undefined);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    if (!isWanted) return;
    const controller = new AbortController();
    read("job", { queue, id, raw: "true" }, controller.signal).then(
      ({ task, payload, correlationId }) => {
        if (controller.signal.aborted) return;
        const node = tryParseJson(payload ?? "null");
        const text = node === undefined ? (payload ?? "") : formatJson(node);
        setCopy({ of: { queue, id }, task, payload: text, correlationId });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setFailed(true);
        sayFailed(error);
      },
    );
    return () => controller.abort();
  }, [queue, id, isWanted]);
  return { copy: isWanted ? copy : undefined, isWaiting: isWanted && !copy && !hasFailed };
}
