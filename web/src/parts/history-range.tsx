import type { VNode } from "preact";
import { choose, route } from "../route.ts";
import { SelectField, TextField } from "./field.tsx";

/** From when to when, and whether only the attempts with which jobs ended. */
export function HistoryRange(): VNode {
  const { final, from, to } = route.value.query;
  const choosePart = (name: string, value: string): void => {
    choose({ [name]: value, after: undefined, back: undefined });
  };
  return (
    <div class="fields">
      <SelectField
        label="Attempts"
        value={final ?? ""}
        options={[
          ["", "All attempts"],
          ["true", "The last of each job"],
          ["false", "Those with another behind them"],
        ]}
        onChange={(value) => choosePart("final", value)}
      />
      <TextField
        label="Ended from"
        type="datetime-local"
        tells="at the end"
        value={toLocal(from)}
        onChange={(value) => choosePart("from", fromLocal(value))}
      />
      <TextField
        label="Ended before"
        type="datetime-local"
        tells="at the end"
        value={toLocal(to)}
        onChange={(value) => choosePart("to", fromLocal(value))}
      />
    </div>
  );
}

// The field speaks of local time, the address of UTC.
function toLocal(moment: string | undefined): string {
  const date = new Date(moment ?? "");
  if (Number.isNaN(date.getTime())) return "";
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

function fromLocal(value: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
