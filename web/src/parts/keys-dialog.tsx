import { Fragment, type VNode } from "preact";
import { areKeysShown, destinations, hints } from "../keys.ts";
import { Dialog } from "./dialog.tsx";

/** The keys and what they do, when somebody has asked. */
export function KeysDialog(): VNode | null {
  if (!areKeysShown.value) return null;
  const all = [
    ...hints,
    ...Object.entries(destinations).map(([key, screen]) => ({
      keys: ["g", key],
      text: `Go to ${screen.replace("-", " ")}`,
    })),
  ];
  return (
    <Dialog title="Keys" onClose={() => (areKeysShown.value = false)}>
      <dl class="keys">
        {all.map(({ keys, text }) => (
          <Fragment key={text}>
            <dt class="row">
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </Fragment>
        ))}
      </dl>
    </Dialog>
  );
}
