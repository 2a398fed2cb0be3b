import type { VNode } from "preact";
import { useRead } from "../data.ts";
import { AuditTable } from "../parts/audit-table.tsx";
import { Pager } from "../parts/pager.tsx";
import { Empty, Failure, Skeleton } from "../parts/said.tsx";
import { route } from "../route.ts";

/** Who has done what from a dashboard, newest first. */
export function AuditScreen(): VNode {
  const { query } = route.value;
  const { after } = query;
  const { data, error } = useRead("audit", after === undefined ? {} : { after });
  return (
    <section class="panel" aria-label="Audit">
      <Failure error={error} />
      {data === undefined && <Skeleton rows={10} />}
      {data?.entries.length === 0 && (
        <Empty icon="audit" title="Nothing was done by hand yet">
          Each change from a dashboard leaves a row here, refused ones too.
        </Empty>
      )}
      {data !== undefined && data.entries.length > 0 && <AuditTable entries={data.entries} />}
      <div class="table-foot">
        <Pager query={query} next={data?.next ?? null} />
      </div>
    </section>
  );
}
