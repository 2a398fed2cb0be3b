import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

/** What somebody is asked before it is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says: what will happen. */
  readonly verb: string;
  readonly onYes: () => unknown;
}

const question = signal<Question | undefined>(undefined);

/** Asks before it is done. */
export function confirm(asked: Question): void {
  question.value = asked;
}

/** The question that is open, if one is. */
export function Confirmation(): VNode | null {
  const asked = question.value;
  if (asked === undefined) return null;
  const close = (): void => {
    question.value = undefined;
  };
  const agree = async (): Promise<void> => {
    await asked.onYes();
    close();
  };
  return (
    <Dialog
      title={asked.title}
      onClose={close}
      actions={
        <>
          <Button onClick={close}>Keep as it is</Button>
          <Button look="danger" onClick={agree}>
            {asked.verb}
          </Button>
        </>
      }
    >
      <p>{asked.text}</p>
    </Dialog>
  );
}
