import type { RateLimitRow } from "../../../src/dashboard/api.ts";
import { formatDuration, formatNumber, percent } from "../format.ts";
import { Empty, Name, State, Time, Title, Trouble } from "../parts/marks.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";

/** Every rate limit, and how much of it is used. */
export function RateLimitsScreen() {
  const { answer, failure } = useReading("rate-limits", {});
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="rate-limits">Rate limits</Title>
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Rate limits"
          rows={answer?.limits}
          keyOf={({ key }) => key}
          columns={columns}
          empty={
            <Empty title="No rate limits">
              <p>
                A task registers one with its option <code>rateLimit</code>, which needs a{" "}
                <code>capacity</code> and an <code>interval</code>.
              </p>
            </Empty>
          }
        />
      </section>
    </div>
  );
}

const columns: Column<RateLimitRow>[] = [
  { title: "Rate limit", cell: ({ key }) => <Name text={key} /> },
  {
    title: "Used",
    cell: ({ used, capacity }) => (
      <>
        <span class={`meter ${used >= capacity ? "blocked" : "running"}`} aria-hidden="true">
          <span style={{ width: `${percent(used, capacity)}%` }} />
        </span>
        <span class="second">
          {formatNumber(used)} of {formatNumber(capacity)}
        </span>
      </>
    ),
  },
  {
    title: "Allows",
    cell: ({ capacity, intervalMs, mode }) => (
      <>
        {formatNumber(capacity)} in {formatDuration(intervalMs)}
        <span class="second">{mode} window</span>
      </>
    ),
  },
  {
    title: "Window ends",
    cell: ({ windowEndsAt }) =>
      windowEndsAt === null ? <span class="faint">–</span> : <Time at={windowEndsAt} />,
  },
  {
    title: "Held",
    cell: ({ heldUntil }) =>
      heldUntil === null ? (
        <span class="faint">no</span>
      ) : (
        <span class="row">
          <State name="rate-limited" />
          <Time at={heldUntil} />
        </span>
      ),
  },
];
