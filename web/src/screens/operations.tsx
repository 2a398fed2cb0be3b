import type { OperationRow } from "../../../src/dashboard/api.ts";
import { formatNumber } from "../format.ts";
import { describePlan, stopOperation } from "../operations.ts";
import { ActionButton } from "../parts/button.tsx";
import { Empty, Name, Time, Title, Trouble } from "../parts/marks.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";
import { hashOf } from "../route.ts";

/** The changes of all that match: those that run, and those of late. */
export function OperationsScreen() {
  const { answer, failure, again } = useReading("operations", {}, 2_000);
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="operations">Operations</Title>
        <span class="lead">changes of all that match</span>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Operations"
          rows={answer?.operations}
          keyOf={({ id }) => id}
          columns={columnsWith(again)}
          empty={
            <Empty title="No operations">
              <p>Filter jobs or the history, and choose what to do with all that match.</p>
              <div class="row">
                <a class="button" href={hashOf("jobs")}>
                  Jobs
                </a>
                <a class="button" href={hashOf("history")}>
                  History
                </a>
              </div>
            </Empty>
          }
        />
      </section>
    </div>
  );
}

function columnsWith(again: () => void): Column<OperationRow>[] {
  return [
    {
      title: "Operation",
      class: "wide",
      cell: ({ plan, error }) => (
        <>
          <div class="cut" title={describePlan(plan)}>
            {describePlan(plan)}
          </div>
          {error !== null && <span class="wrong">{error}</span>}
        </>
      ),
    },
    {
      title: "State",
      cell: ({ state }) => <span class={`state ${state}`}>{state}</span>,
    },
    { title: "Changed", class: "number", cell: ({ changed }) => formatNumber(changed) },
    { title: "Moved on", class: "number", cell: ({ refused }) => formatNumber(refused) },
    { title: "Examined", class: "number", cell: ({ examined }) => formatNumber(examined) },
    { title: "By", cell: ({ startedBy }) => <Name text={startedBy} /> },
    { title: "Started", cell: ({ startedAt }) => <Time at={startedAt} /> },
    {
      title: "",
      cell: ({ id, state }) =>
        state === "running" && (
          <span class="actions">
            <ActionButton
              class="small"
              needs="operator"
              icon="stop"
              onPress={() => stopOperation(id).then(again)}
            >
              Stop
            </ActionButton>
          </span>
        ),
    },
  ];
}
