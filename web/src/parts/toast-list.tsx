import { dismiss, toasts } from "../toasts.ts";
import { Icon } from "./icons.tsx";

/** The messages in the corner; those of failures are read out at once. */
export function ToastList() {
  return (
    <div class="toasts">
      {toasts.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`} role={kind === "failed" ? "alert" : "status"}>
          <Icon name={kind === "failed" ? "warning" : "check"} />
          <p>{text}</p>
          <button
            type="button"
            class="plain small square"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="cancel" />
          </button>
        </div>
      ))}
    </div>
  );
}
