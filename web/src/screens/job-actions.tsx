import type { JobPageDetails } from "../../../src/dashboard/api.ts";
import type { Action } from "../bulk.ts";
import { openSelected } from "../parts/bulk-bar.tsx";
import { ActionButton } from "../parts/button.tsx";
import { go } from "../route.ts";

interface JobActionsProps {
  readonly job: JobPageDetails;
  readonly again: () => void;
}

/** What can be done to one job; what cannot at the moment says why. */
export function JobActions({ job, again }: JobActionsProps) {
  const { queue, id, state, attempts } = job;
  const isLive = state !== "finished";
  const hasSucceeded = attempts.at(-1)?.outcome === "succeeded";
  const open = (action: Action) => openSelected(action, [{ queue, id }], again);
  return (
    <>
      <ActionButton
        needs="operator"
        icon="retry"
        reason={isLive ? reasonAgainstRetry(state) : "It has ended: replay it."}
        onPress={() => open("retry")}
      >
        Retry
      </ActionButton>
      <ActionButton
        needs="operator"
        icon="replay"
        reason={reasonAgainstReplay(isLive, hasSucceeded)}
        onPress={() => open("replay")}
      >
        Replay
      </ActionButton>
      <ActionButton
        needs="operator"
        icon="clock"
        reason={reasonAgainstReschedule(state)}
        onPress={() => open("reschedule")}
      >
        Reschedule
      </ActionButton>
      <ActionButton
        needs="admin"
        icon="edit"
        reason={reasonAgainstCopy(job)}
        onPress={() => go("enqueue", { copyQueue: queue, copyId: id })}
      >
        Edit and enqueue again
      </ActionButton>
      <ActionButton
        class="danger"
        needs="operator"
        icon="cancel"
        reason={isLive ? undefined : "It has ended."}
        onPress={() => open("cancel")}
      >
        Cancel
      </ActionButton>
    </>
  );
}

function reasonAgainstRetry(state: JobPageDetails["state"]): string | undefined {
  return state === "running" ? "It runs already." : undefined;
}

function reasonAgainstReplay(isLive: boolean, hasSucceeded: boolean): string | undefined {
  if (isLive) return "It has not ended yet.";
  return hasSucceeded ? "It has succeeded: edit and enqueue it again instead." : undefined;
}

function reasonAgainstReschedule(state: JobPageDetails["state"]): string | undefined {
  if (state === "finished") return "It has ended.";
  return state === "running" ? "It runs." : undefined;
}

function reasonAgainstCopy({ payload, isPayloadCut }: JobPageDetails): string | undefined {
  if (payload === null) return "Its history does not keep the payload.";
  return isPayloadCut ? "Its payload is too long to be edited here." : undefined;
}
