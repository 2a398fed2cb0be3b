import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Reference, Rescheduling } from "../../../src/dashboard/api.ts";
import { plural } from "../format.ts";
import { tellOutcomes } from "../outcomes.ts";
import { perform } from "../toasts.ts";
import { Button } from "./button.tsx";
import { confirm } from "./confirm.tsx";
import { RescheduleDialog } from "./reschedule-dialog.tsx";

/** What is done by hand to jobs that are named. */
export interface JobActionsProps {
  readonly jobs: readonly Reference[];
  /** Why one of the actions makes no sense for them. */
  readonly against?: Readonly<Partial<Record<JobAction, string | undefined>>>;
  readonly size?: "tiny";
  readonly onDone?: () => void;
}

/** What can be done to a live job. */
export type JobAction = "retry" | "cancel" | "reschedule";

/** Retry, reschedule and cancel some jobs. */
export function JobActions({ jobs, against = {}, size, onDone }: JobActionsProps): VNode {
  const [isRescheduling, setIsRescheduling] = useState(false);
  const named = jobs.map(({ queue, id }) => ({ queue, id }));
  const those = plural(jobs.length, "job");
  const shape = size === undefined ? {} : { size };
  const retry = async (): Promise<void> => {
    await perform("retry-jobs", { jobs: named }, tellOutcomes);
    onDone?.();
  };
  const cancel = (): void => {
    confirm({
      title: `Cancel ${those}?`,
      text: "A job that waits ends at once; one that runs is told to stop. It can be enqueued again from the history.",
      verb: `Cancel ${those}`,
      onYes: async () => {
        await perform("cancel-jobs", { jobs: named }, tellOutcomes);
        onDone?.();
      },
    });
  };
  const reschedule = async (rescheduling: Rescheduling): Promise<void> => {
    await perform("reschedule-jobs", { jobs: named, ...rescheduling }, tellOutcomes);
    onDone?.();
  };
  return (
    <>
      <Button {...shape} icon="retry" power="retry-jobs" against={against.retry} onClick={retry}>
        Retry
      </Button>
      <Button
        {...shape}
        icon="clock"
        power="reschedule-jobs"
        against={against.reschedule}
        onClick={() => setIsRescheduling(true)}
      >
        Reschedule
      </Button>
      <Button
        {...shape}
        icon="cancel"
        look="danger"
        power="cancel-jobs"
        against={against.cancel}
        onClick={cancel}
      >
        Cancel
      </Button>
      {isRescheduling && (
        <RescheduleDialog
          title={`Reschedule ${those}`}
          onClose={() => setIsRescheduling(false)}
          onSay={reschedule}
        />
      )}
    </>
  );
}
