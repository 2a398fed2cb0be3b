import type { VNode } from "preact";
import type { OperationRow } from "../../../src/dashboard/api.ts";
import { useRead } from "../data.ts";
import { describePlan, describeProgress } from "../operations.ts";
import { Button } from "../parts/button.tsx";
import { Empty, Failure, Skeleton, Time } from "../parts/said.tsx";
import { perform } from "../toasts.ts";

/** The changes of all that matched: how far each has come. */
export function OperationsScreen(): VNode {
  const { data, error } = useRead("operations", {});
  const operations = data?.operations ?? [];
  return (
    <section class="panel" aria-label="Operations">
      <Failure error={error} />
      {data === undefined && <Skeleton rows={6} />}
      {data?.operations.length === 0 && (
        <Empty icon="operations" title="No operation yet">
          One begins with “Retry all…” on <a href="#/jobs">Jobs</a> or “Replay all…” on{" "}
          <a href="#/history">History</a>.
        </Empty>
      )}
      {operations.length > 0 && (
        <div class="table-frame">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Operation</th>
                <th scope="col">State</th>
                <th scope="col">Progress</th>
                <th scope="col" class="wide">
                  By
                </th>
                <th scope="col" class="wide">
                  Started
                </th>
                <th scope="col">
                  <span class="hidden-text">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {operations.map((operation) => (
                <Row key={operation.id} operation={operation} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const colours = {
  running: "running",
  done: "succeeded",
  stopped: "cancelled",
  failed: "failed",
} as const;

function Row({ operation }: { readonly operation: OperationRow }): VNode {
  const { id, state, error } = operation;
  const plan = describePlan(operation.plan);
  return (
    <tr>
      <td>
        <span class="cut" title={plan}>
          {plan}
        </span>
      </td>
      <td>
        <span class={`badge ${colours[state]}`}>{state}</span>
      </td>
      <td>
        {describeProgress(operation)}
        {error !== null && <span class="problem-text"> {error}</span>}
      </td>
      <td class="wide">{operation.startedBy}</td>
      <td class="wide">
        <Time at={operation.startedAt} />
      </td>
      <td class="narrow">
        {state === "running" && (
          <Button
            size="tiny"
            power="stop-operation"
            onClick={() => perform("stop-operation", { id }, () => "The operation stops.")}
          >
            Stop
          </Button>
        )}
      </td>
    </tr>
  );
}
