import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { sayFailed } from "../toasts.ts";

interface Shown {
  readonly title: string;
  readonly content: () => ComponentChildren;
}

const shown = signal<Shown | undefined>(undefined);

/** Opens a dialog; one that is open gives way. */
export function openDialog(title: string, content: () => ComponentChildren): void {
  shown.value = { title, content };
}

/** Closes the dialog, if one is open. */
export function closeDialog(): void {
  shown.value = undefined;
}

/** Whether the keys belong to a dialog. */
export function isDialogOpen(): boolean {
  return shown.peek() !== undefined;
}

/** What to ask before something is done. */
export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  /** On the button: what it does. */
  readonly action: string;
  readonly run: () => Promise<unknown>;
}

/** Asks before it does something that cannot be taken back. */
export function ask({ title, text, action, run }: Question): void {
  openDialog(title, () => (
    <DialogForm action={action} run={run}>
      <p>{text}</p>
    </DialogForm>
  ));
}

interface DialogFormProps {
  readonly action: string;
  readonly run: () => Promise<unknown>;
  readonly children: ComponentChildren;
}

/** Fields, and the two buttons that end every dialog. It closes first, so that what fails is said above the page. */
export function DialogForm({ action, run, children }: DialogFormProps) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        closeDialog();
        run().catch(sayFailed);
      }}
    >
      {children}
      <div class="row end">
        <button type="button" onClick={closeDialog}>
          Keep as it is
        </button>
        <button type="submit" class="main">
          {action}
        </button>
      </div>
    </form>
  );
}

/** Where the dialog is shown. The browser keeps the focus in it, closes it on Escape and gives the focus back. */
export function DialogHost() {
  const dialog = shown.value;
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (dialog === undefined) element.current?.close();
    else if (element.current?.open === false) element.current.showModal();
  }, [dialog]);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={closeDialog}>
      {dialog !== undefined && (
        <>
          <div class="content">
            <h2 id="dialog-title">{dialog.title}</h2>
          </div>
          {dialog.content()}
        </>
      )}
    </dialog>
  );
}
