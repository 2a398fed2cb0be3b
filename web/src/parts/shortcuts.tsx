import { closeDialog, openDialog } from "./dialog.tsx";

const shortcuts: readonly (readonly [readonly string[], string])[] = [
  [["/"], "Filter"],
  [["j"], "Next row"],
  [["k"], "Previous row"],
  [["Enter"], "Open the row"],
  [["x"], "Select the row"],
  [["g", "o"], "Overview"],
  [["g", "q"], "Queues"],
  [["g", "j"], "Jobs"],
  [["g", "h"], "History"],
  [["g", "w"], "Workers"],
  [["g", "r"], "Rate limits"],
  [["g", "k"], "Concurrency keys"],
  [["g", "e"], "Enqueue"],
  [["Esc"], "Close a dialog; leave the filter"],
  [["?"], "These keys"],
];

/** Shows what the keys do. */
export function showShortcuts(): void {
  openDialog("Keys", () => (
    <div class="content">
      <dl class="shortcuts">
        {shortcuts.map(([keys, meaning]) => (
          <>
            <dt>
              {keys.map((key) => (
                <>
                  <kbd>{key}</kbd>{" "}
                </>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </>
        ))}
      </dl>
      <div class="row end">
        <button type="button" onClick={closeDialog}>
          Close
        </button>
      </div>
    </div>
  ));
}
