import type { VNode } from "preact";
import type { AuditRow } from "../../../src/dashboard/api.ts";
import { Time } from "./said.tsx";

/** What was done by hand, one a row. */
export function AuditTable({ entries }: { readonly entries: readonly AuditRow[] }): VNode {
  return (
    <div class="table-frame">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="wide">
              Details
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map(({ id, at, by, role, action, outcome, details }) => (
            <tr key={id}>
              <td>
                <Time at={at} />
              </td>
              <td>
                <span class="cut">
                  {by} <span class="soft small">{role}</span>
                </span>
              </td>
              <td class="nowrap">{action}</td>
              <td>
                <span class={`badge ${colours[outcome]}`}>{outcome}</span>
              </td>
              <td class="wide">
                <span class="cut mono" title={details}>
                  {details}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const colours = { done: "succeeded", refused: "partial", failed: "failed" } as const;
