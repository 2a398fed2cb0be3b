import type { VNode } from "preact";
import type { RateLimitRow } from "../../../src/dashboard/api.ts";
import { useRead } from "../data.ts";
import { formatCount, formatDuration } from "../format.ts";
import { Empty, Failure, Meter, Skeleton, Time } from "../parts/said.tsx";

/** The rate limits, and how much of each is used in its interval. */
export function RateLimitsScreen(): VNode {
  const { data, error } = useRead("rate-limits", {});
  const limits = data?.limits ?? [];
  return (
    <section class="panel" aria-label="Rate limits">
      <Failure error={error} />
      {data === undefined && <Skeleton rows={6} />}
      {data?.limits.length === 0 && (
        <Empty icon="limits" title="No rate limit yet">
          A task registers one with its option <code>rateLimit</code>.
        </Empty>
      )}
      {limits.length > 0 && (
        <div class="table-frame">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Rate limit</th>
                <th scope="col">Used</th>
                <th scope="col" class="number">
                  Starts
                </th>
                <th scope="col" class="wide">
                  Mode
                </th>
                <th scope="col" class="wide">
                  Window ends
                </th>
                <th scope="col">Held back until</th>
              </tr>
            </thead>
            <tbody>
              {limits.map((limit) => (
                <Row key={limit.key} limit={limit} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ limit }: { readonly limit: RateLimitRow }): VNode {
  const { key, capacity, intervalMs, mode, used, windowEndsAt, heldUntil } = limit;
  return (
    <tr>
      <td>
        <strong class="cut" title={key}>
          {key}
        </strong>
      </td>
      <td>
        <Meter label={`Used of ${key}`} used={used} capacity={capacity} />
      </td>
      <td class="number">
        {formatCount(used)} of {formatCount(capacity)} in {formatDuration(intervalMs)}
      </td>
      <td class="wide">{mode}</td>
      <td class="wide">
        <Time at={windowEndsAt} />
      </td>
      <td>
        <Time at={heldUntil} />
      </td>
    </tr>
  );
}
