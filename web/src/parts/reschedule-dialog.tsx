import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Rescheduling } from "../../../src/dashboard/api.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";

/** What is typed into a form for new times. */
export interface RescheduleDraft {
  readonly delay: string;
  readonly runAt: string;
  readonly priority: string;
}

const emptyDraft: RescheduleDraft = { delay: "", runAt: "", priority: "" };

/** What a draft asks for; a sentence when it asks for nothing that can be done. */
export function readDraft({ delay, runAt, priority }: RescheduleDraft): Rescheduling | string {
  if (delay === "" && runAt === "" && priority === "") return "Say when, or which priority.";
  if (delay !== "" && runAt !== "") return "Say a delay or a time, not both.";
  if (priority !== "" && !/^-?\d{1,5}$/.test(priority)) return "A priority is an integer.";
  const at = runAt === "" ? undefined : new Date(runAt);
  if (at !== undefined && Number.isNaN(at.getTime())) return "The time is not complete.";
  return {
    ...(delay === "" ? {} : { delay }),
    ...(at === undefined ? {} : { runAt: at.toISOString() }),
    ...(priority === "" ? {} : { priority: Number(priority) }),
  };
}

/** The fields for new times. */
export function RescheduleFields(props: {
  readonly draft: RescheduleDraft;
  readonly onChange: (draft: RescheduleDraft) => void;
}): VNode {
  const { draft, onChange } = props;
  return (
    <div class="fields">
      <TextField
        label="Delay from now"
        placeholder="5m"
        note="Such as 30s, 5m, 2h; 0s is now"
        value={draft.delay}
        onChange={(delay) => onChange({ ...draft, delay })}
      />
      <TextField
        label="Or at"
        type="datetime-local"
        note="In your own time zone"
        value={draft.runAt}
        onChange={(runAt) => onChange({ ...draft, runAt })}
      />
      <TextField
        label="Priority"
        placeholder="0"
        note="Lower runs first"
        value={draft.priority}
        onChange={(priority) => onChange({ ...draft, priority })}
      />
    </div>
  );
}

/** Keeps what is typed into the fields. */
export function useRescheduleDraft(): readonly [RescheduleDraft, (draft: RescheduleDraft) => void] {
  const [draft, setDraft] = useState(emptyDraft);
  return [draft, setDraft];
}

/** Asks for new times for some jobs. */
export function RescheduleDialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly onSay: (rescheduling: Rescheduling) => Promise<unknown>;
}): VNode {
  const [draft, setDraft] = useRescheduleDraft();
  const said = readDraft(draft);
  const save = async (): Promise<void> => {
    if (typeof said === "string") return;
    await props.onSay(said);
    props.onClose();
  };
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      actions={
        <>
          <Button onClick={props.onClose}>Keep as it is</Button>
          <Button look="first" against={typeof said === "string" ? said : undefined} onClick={save}>
            Reschedule
          </Button>
        </>
      }
    >
      <RescheduleFields draft={draft} onChange={setDraft} />
    </Dialog>
  );
}
