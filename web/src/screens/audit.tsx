import type { AuditRow } from "../../../src/dashboard/api.ts";
import { Empty, Name, Time, Title, Trouble } from "../parts/marks.tsx";
import { Pager } from "../parts/pager.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";
import { route } from "../route.ts";

/** Who has changed what from a dashboard. */
export function AuditScreen() {
  const { after } = route.value.params;
  const { answer, failure } = useReading("audit", after === undefined ? {} : { after });
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="audit">Audit</Title>
        <span class="lead">what was changed from a dashboard, newest first</span>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Audit"
          rows={answer?.entries}
          keyOf={({ id }) => id}
          columns={auditColumns}
          empty={
            <Empty title="Nothing was changed yet">
              <p>Every change from a dashboard is noted here: who, what and when.</p>
            </Empty>
          }
        />
        <Pager next={answer?.next ?? null} shown={answer?.entries.length ?? 0} noun="entries" />
      </section>
    </div>
  );
}

/** The columns of a list of what was done. */
export const auditColumns: Column<AuditRow>[] = [
  { title: "When", cell: ({ at }) => <Time at={at} /> },
  {
    title: "Who",
    cell: ({ by, role }) => (
      <>
        <Name text={by} />
        <span class="second">{role}</span>
      </>
    ),
  },
  { title: "Action", cell: ({ action }) => <span class="mono">{action}</span> },
  {
    title: "What",
    class: "wide",
    cell: ({ details }) => (
      <div class="cut mono" title={details}>
        {details}
      </div>
    ),
  },
  {
    title: "Outcome",
    cell: ({ outcome }) => <span class={`state ${outcome}`}>{outcome}</span>,
  },
];
