import { useEffect, useState } from "preact/hooks";
import type { Count, OperationPlan } from "../../../src/dashboard/api.ts";
import { change } from "../api.ts";
import type { Action } from "../bulk.ts";
import { formatCount } from "../format.ts";
import { describePlan, startOperation } from "../operations.ts";
import { planOf, type Filter } from "../plans.ts";
import { messageOf } from "../toasts.ts";
import { DialogForm, openDialog } from "./dialog.tsx";
import { ReschedulingFields, reschedulingOf } from "./rescheduling-fields.tsx";

const titles: Readonly<Record<Action, string>> = {
  retry: "Retry all that match",
  cancel: "Cancel all that match",
  reschedule: "Reschedule all that match",
  replay: "Replay all that match",
};
const verbs = { retry: "Retry", cancel: "Cancel", reschedule: "Reschedule", replay: "Replay" };

// Only how many match is asked for with it.
const anyTime = { delay: "1s" };

/** Asks before all that match are changed: says how many they are, without changing one. */
export function openPlan(action: Action, filter: Filter): void {
  openDialog(titles[action], () => <PlanForm action={action} filter={filter} />);
}

function PlanForm({ action, filter }: { readonly action: Action; readonly filter: Filter }) {
  const [fields, setFields] = useState({ when: "", priority: "" });
  const { count, wrong } = useCount(planOf(action, filter, anyTime));
  const plan = planOf(action, filter, anyTime);
  const run = async () => {
    const rescheduling = action === "reschedule" ? reschedulingOf(fields) : anyTime;
    const whole = planOf(action, filter, rescheduling);
    if (whole === undefined) throw new Error("This list cannot be changed in that way.");
    await startOperation(whole, count === undefined || count.isAtLeast ? undefined : count.count);
  };
  const some = count === undefined ? "" : ` ${formatCount(count)}`;
  return (
    <DialogForm action={`${verbs[action]}${some} jobs`} run={run}>
      <div aria-live="polite">
        <div class="figure">{count === undefined ? "Counting…" : formatCount(count)}</div>
        <span class="soft">
          {filter.from === "jobs" ? "jobs match" : "attempts match"}; nothing was changed yet
        </span>
        {wrong !== undefined && <div class="wrong">{wrong}</div>}
      </div>
      {plan !== undefined && <p class="mono">{describePlan(plan)}</p>}
      {action === "reschedule" && <ReschedulingFields fields={fields} onChange={setFields} />}
      <p>It runs in the background, in small batches, and can be stopped at any time.</p>
    </DialogForm>
  );
}

function useCount(plan: OperationPlan | undefined): { count?: Count; wrong?: string } {
  const [known, setKnown] = useState<{ count?: Count; wrong?: string }>({});
  const text = JSON.stringify(plan);
  useEffect(() => {
    if (plan === undefined) return;
    let isWanted = true;
    change("count-matching", plan).then(
      (count) => isWanted && setKnown({ count }),
      (error: unknown) => isWanted && setKnown({ wrong: messageOf(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [text]);
  return known;
}
