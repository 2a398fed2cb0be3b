import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Count, OperationPlan } from "../../../src/dashboard/api.ts";
import { ApiError, change } from "../api.ts";
import { formatBound } from "../format.ts";
import { describePlan, startOperation } from "../operations.ts";
import { capitalised } from "../states.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { readDraft, RescheduleFields, useRescheduleDraft } from "./reschedule-dialog.tsx";
import { Failure } from "./said.tsx";

interface Counting {
  readonly count?: Count;
  readonly error?: ApiError;
}

/** Says how many match before anything is done to all of them. */
export function MatchingDialog(props: {
  readonly plan: OperationPlan;
  readonly onClose: () => void;
}): VNode {
  const { plan, onClose } = props;
  const [{ count, error }, setCounting] = useState<Counting>({});
  const [draft, setDraft] = useRescheduleDraft();
  useEffect(() => {
    void change("count-matching", plan)
      .then((answer) => setCounting({ count: answer }))
      .catch((failure: unknown) => {
        if (failure instanceof ApiError) setCounting({ error: failure });
      });
  }, []);
  const rescheduling = plan.action === "reschedule" ? readDraft(draft) : undefined;
  const start = async (): Promise<void> => {
    if (typeof rescheduling === "string") return;
    await startOperation(
      plan.action === "reschedule" && rescheduling !== undefined ? { ...plan, rescheduling } : plan,
      count,
    );
    onClose();
  };
  const noun = plan.from === "jobs" ? "jobs" : "attempts";
  const counted = count === undefined ? "…" : formatBound(count);
  const uncounted = error === undefined ? "Counting…" : "How many match could not be counted.";
  const verb = capitalised(plan.action);
  return (
    <Dialog
      title={`${verb} all that match`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep as it is</Button>
          <Button
            look={plan.action === "cancel" ? "danger" : "first"}
            power="start-operation"
            against={reasonAgainst(count, rescheduling)}
            onClick={start}
          >
            {verb} {counted} {noun}
          </Button>
        </>
      }
    >
      <p class="soft">{describePlan(plan)}</p>
      <p role="status">
        {count === undefined ? uncounted : `${counted} ${noun} match now.`} They are changed in the
        background, in small steps; you can follow and stop it.
      </p>
      <Failure error={error} />
      {plan.action === "reschedule" && <RescheduleFields draft={draft} onChange={setDraft} />}
    </Dialog>
  );
}

function reasonAgainst(count: Count | undefined, rescheduling: unknown): string | undefined {
  if (count === undefined) return "How many match is not known yet.";
  if (count.count === 0 && !count.isAtLeast) return "Nothing matches.";
  return typeof rescheduling === "string" ? rescheduling : undefined;
}
