import { useState } from "preact/hooks";
import type { Reference } from "../../../src/dashboard/api.ts";
import { changeJobs, type Action } from "../bulk.ts";
import { formatNumber, plural } from "../format.ts";
import type { Filter } from "../plans.ts";
import { ActionButton } from "./button.tsx";
import { DialogForm, openDialog } from "./dialog.tsx";
import { ReschedulingFields, reschedulingOf } from "./rescheduling-fields.tsx";
import { openPlan } from "./plan-dialog.tsx";
import type { IconName } from "./icons.tsx";

interface BulkBarProps {
  readonly selected: readonly Reference[];
  readonly onClear: () => void;
  readonly actions: readonly Action[];
  /** What the list is filtered by: all that match. */
  readonly filter: Filter;
  /** Why nothing can be done to all that match; undefined when it can. */
  readonly reasonAgainstAll: string | undefined;
}

const buttons: Readonly<Record<Action, { readonly text: string; readonly icon: IconName }>> = {
  retry: { text: "Retry", icon: "retry" },
  cancel: { text: "Cancel", icon: "cancel" },
  reschedule: { text: "Reschedule", icon: "clock" },
  replay: { text: "Replay", icon: "replay" },
};

/** What can be done to the selected rows; and to all that match, when none is selected. */
export function BulkBar({ selected, onClear, actions, filter, reasonAgainstAll }: BulkBarProps) {
  const isAll = selected.length === 0;
  const press = (action: Action) => {
    if (isAll) openPlan(action, filter);
    else openSelected(action, selected, onClear);
  };
  return (
    <div class="bar" role="toolbar" aria-label={isAll ? "All that match" : "Selected"}>
      <span class="said" aria-live="polite">
        {isAll ? "All that match:" : `${formatNumber(selected.length)} selected:`}
      </span>
      {actions.map((action) => (
        <ActionButton
          key={action}
          class={action === "cancel" ? "small danger" : "small"}
          needs="operator"
          icon={buttons[action].icon}
          reason={isAll ? reasonAgainstAll : undefined}
          onPress={() => press(action)}
        >
          {buttons[action].text}
          {isAll ? " all…" : "…"}
        </ActionButton>
      ))}
      {!isAll && (
        <button type="button" class="plain small" onClick={onClear}>
          Clear
        </button>
      )}
    </div>
  );
}

/** Does something to some jobs, after it has asked whatever it has to know. */
export function openSelected(
  action: Action,
  jobs: readonly Reference[],
  onDone: () => void,
): void {
  const these = plural(jobs.length, "job");
  switch (action) {
    case "retry":
    case "replay":
      openDialog(`${buttons[action].text} ${these}?`, () => (
        <DialogForm
          action={`${buttons[action].text} ${these}`}
          run={() => changeJobs(action, jobs).then(onDone)}
        >
          <p>{meanings[action]}</p>
        </DialogForm>
      ));
      return;
    case "cancel":
      openDialog(`Cancel ${these}?`, () => <CancelForm jobs={jobs} onDone={onDone} />);
      return;
    case "reschedule":
      openDialog(`Reschedule ${these}`, () => <RescheduleForm jobs={jobs} onDone={onDone} />);
  }
}

const meanings = {
  retry: "They run as soon as a worker is free, whatever they wait for.",
  replay: "New jobs are enqueued with the same payloads; the history keeps what was.",
};

interface FormProps {
  readonly jobs: readonly Reference[];
  readonly onDone: () => void;
}

function CancelForm({ jobs, onDone }: FormProps) {
  const [reason, setReason] = useState("");
  const details = reason === "" ? {} : { reason };
  return (
    <DialogForm
      action={`Cancel ${plural(jobs.length, "job")}`}
      run={() => changeJobs("cancel", jobs, details).then(onDone)}
    >
      <p>What waits never runs; the handler of what runs is told to stop.</p>
      <div class="field">
        <label for="reason">Reason</label>
        <input
          id="reason"
          value={reason}
          placeholder="for the history; may be left empty"
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </div>
    </DialogForm>
  );
}

function RescheduleForm({ jobs, onDone }: FormProps) {
  const [fields, setFields] = useState({ when: "", priority: "" });
  return (
    <DialogForm
      action={`Reschedule ${plural(jobs.length, "job")}`}
      run={async () => {
        await changeJobs("reschedule", jobs, { rescheduling: reschedulingOf(fields) });
        onDone();
      }}
    >
      <ReschedulingFields fields={fields} onChange={setFields} />
    </DialogForm>
  );
}
