import type { VNode } from "preact";
import { describePlan, describeProgress, putAway, tray } from "../operations.ts";
import { perform } from "../toasts.ts";
import { Button } from "./button.tsx";

/** The operations that were started here, and how far they have come. */
export function TrayList(): VNode | null {
  if (tray.value.length === 0) return null;
  return (
    <section class="tray" aria-label="Operations in progress">
      <ul>
        {tray.value.slice(0, 4).map((operation) => {
          const { id, state, error, expected } = operation;
          return (
            <li key={id}>
              <div class="row spread">
                <strong class="cut" title={describePlan(operation.plan)}>
                  {describePlan(operation.plan)}
                </strong>
                {state === "running" ? (
                  <Button
                    size="tiny"
                    power="stop-operation"
                    onClick={() => perform("stop-operation", { id }, () => "The operation stops.")}
                  >
                    Stop
                  </Button>
                ) : (
                  <Button
                    icon="cancel"
                    look="plain"
                    size="tiny"
                    label="Put away"
                    onClick={() => putAway(id)}
                  />
                )}
              </div>
              {state === "running" && <Going done={operation.changed} expected={expected} />}
              <span class="small soft" role="status">
                {state}: {describeProgress(operation)}
                {error !== null && `: ${error}`}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Going(props: { readonly done: number; readonly expected: number | undefined }): VNode {
  const { done, expected } = props;
  if (expected === undefined || expected === 0) return <div class="going" />;
  return (
    <progress
      class="going-so-far"
      aria-label="How far it has come"
      value={Math.min(done, expected)}
      max={expected}
    />
  );
}
