import type { Rescheduling } from "../../../src/dashboard/api.ts";

/** What somebody has written into the fields. */
export interface WrittenRescheduling {
  /** A duration such as "5m", or a time. */
  readonly when: string;
  readonly priority: string;
}

interface FieldsProps {
  readonly fields: WrittenRescheduling;
  readonly onChange: (fields: WrittenRescheduling) => void;
}

/** When, and how urgent: both may be left as they are. */
export function ReschedulingFields({ fields, onChange }: FieldsProps) {
  return (
    <div class="row">
      <div class="field">
        <label for="when">Run</label>
        <input
          id="when"
          placeholder="5m, or 2026-01-31T09:00Z"
          value={fields.when}
          onInput={(event) => onChange({ ...fields, when: event.currentTarget.value })}
        />
        <span class="hint">from now, or at a time; empty leaves it</span>
      </div>
      <div class="field">
        <label for="new-priority">Priority</label>
        <input
          id="new-priority"
          inputMode="numeric"
          placeholder="0"
          value={fields.priority}
          onInput={(event) => onChange({ ...fields, priority: event.currentTarget.value })}
        />
        <span class="hint">lower runs first; empty leaves it</span>
      </div>
    </div>
  );
}

/** What to send for what was written; throws an error that says what is missing. */
export function reschedulingOf({ when, priority }: WrittenRescheduling): Rescheduling {
  const time = when.trim();
  const number = priority.trim();
  if (time === "" && number === "") throw new Error("Say when to run, or with which priority.");
  if (number !== "" && !/^-?\d+$/.test(number)) {
    throw new Error(`Expected the priority to be a whole number, got ${number}.`);
  }
  return {
    ...(time === "" ? {} : timeOf(time)),
    ...(number === "" ? {} : { priority: Number(number) }),
  };
}

function timeOf(text: string): Rescheduling {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const time = new Date(text);
    if (!Number.isNaN(time.getTime())) return { runAt: time.toISOString() };
  }
  // The server knows what a duration is, and says so.
  return { delay: text };
}
