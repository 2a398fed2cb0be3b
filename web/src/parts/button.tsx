import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Role } from "../../../src/dashboard/api.ts";
import { reasonAgainst } from "../session.ts";
import { sayFailed } from "../toasts.ts";
import { Icon, type IconName } from "./icons.tsx";

interface ActionButtonProps {
  readonly needs?: Role;
  /** Why it cannot be done at the moment, whoever asks. */
  readonly reason?: string | undefined;
  readonly icon?: IconName;
  readonly class?: string;
  /** For those who do not see what it stands beside. */
  readonly label?: string;
  readonly onPress: () => Promise<unknown> | void;
  readonly children?: ComponentChildren;
}

/** A button that says why it cannot be pressed, and says it when what it does has failed. */
export function ActionButton(props: ActionButtonProps) {
  const { needs, reason, icon, label, onPress, children } = props;
  const [isBusy, setBusy] = useState(false);
  const against = (needs === undefined ? undefined : reasonAgainst(needs)) ?? reason;
  const isStopped = against !== undefined || isBusy;
  const press = async () => {
    if (isStopped) return;
    setBusy(true);
    try {
      await onPress();
    } catch (error) {
      sayFailed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={props.class}
      aria-label={label}
      aria-disabled={isStopped ? "true" : undefined}
      title={against ?? label}
      onClick={() => void press()}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Copies a text, and says so for a moment. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <ActionButton
      class="plain small"
      icon={isCopied ? "check" : "copy"}
      label={label}
      onPress={copy}
    >
      {isCopied ? "Copied" : "Copy"}
    </ActionButton>
  );
}

async function copyText(text: string): Promise<void> {
  // Missing where the page did not come over HTTPS or from this machine.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  if (clipboard === undefined) {
    throw new Error("The browser only copies on a page that came over HTTPS; select the text instead.");
  }
  await clipboard.writeText(text);
}
