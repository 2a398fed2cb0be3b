import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { reasonAgainst, type Power } from "../session.ts";
import { Icon, type IconName } from "./icon.tsx";

/** What a button looks like and does. */
export interface ButtonProps {
  readonly onClick: () => unknown;
  readonly children?: ComponentChildren;
  readonly icon?: IconName;
  /** What it is called when it has no words. */
  readonly label?: string;
  readonly look?: "first" | "danger" | "plain";
  readonly size?: "tiny";
  /** What the role of whoever looks must allow. */
  readonly power?: Power;
  /** Why it cannot be pressed now. */
  readonly against?: string | undefined;
}

/** A button. One that may not be pressed can still be reached, and says why; one that works cannot be pressed twice. */
export function Button(props: ButtonProps): VNode {
  const { icon, label, look, size, power, children } = props;
  const [isBusy, setIsBusy] = useState(false);
  const against = (power === undefined ? undefined : reasonAgainst(power)) ?? props.against;
  const press = async (): Promise<void> => {
    if (isBusy || against !== undefined) return;
    setIsBusy(true);
    try {
      await props.onClick();
    } finally {
      setIsBusy(false);
    }
  };
  const shape = children === undefined ? "square" : undefined;
  return (
    <button
      type="button"
      class={["button", look, size, shape].filter(Boolean).join(" ")}
      aria-disabled={isBusy || against !== undefined ? "true" : undefined}
      aria-label={label}
      title={against ?? label}
      onClick={(event) => {
        event.stopPropagation();
        void press();
      }}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Puts a text into the clipboard, and says so. */
export function CopyButton(props: { readonly text: string; readonly label?: string }): VNode {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(props.text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 1_500);
  };
  return (
    <Button
      icon={isCopied ? "done" : "copy"}
      look="plain"
      size="tiny"
      label={isCopied ? "Copied" : (props.label ?? "Copy")}
      onClick={copy}
    />
  );
}
