import type { VNode } from "preact";
import { dismiss, toasts } from "../toasts.ts";
import { Button } from "./button.tsx";

/** The messages in the corner. */
export function ToastList(): VNode {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, kind, text }) => (
        <div
          key={id}
          class={kind === "failed" ? "toast failed-toast" : "toast"}
          role={kind === "failed" ? "alert" : undefined}
        >
          <span>{text}</span>
          <Button
            icon="cancel"
            look="plain"
            size="tiny"
            label="Dismiss"
            onClick={() => dismiss(id)}
          />
        </div>
      ))}
    </div>
  );
}
