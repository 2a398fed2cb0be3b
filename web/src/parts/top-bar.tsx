import type { VNode } from "preact";
import { areKeysShown } from "../keys.ts";
import { connection, isPaused, type Connection } from "../live.ts";
import { session } from "../session.ts";
import { nextTheme, theme } from "../theme.ts";
import { trouble } from "../trouble.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

const icons = { system: "screen", light: "sun", dark: "moon" } as const;

const meanings: Readonly<Record<Connection, string>> = {
  live: "Live: news comes by itself",
  polling: "News is asked for every few seconds",
  connecting: "Connecting",
  paused: "Paused: nothing changes until you go on",
};

/** Where we are, how news comes, and what goes wrong. */
export function TopBar({ title }: { readonly title: string }): VNode {
  const environment = session.value?.environment ?? null;
  const how = connection.value;
  return (
    <>
      <header class="top">
        <h1 class="cut">{title}</h1>
        {environment !== null && (
          <span class={/^prod/i.test(environment) ? "place production" : "place"}>
            {environment}
          </span>
        )}
        <span class="place" title={meanings[how]}>
          <span class={`live-dot ${how}`} />
          &nbsp;{how}
        </span>
        <Button
          icon={isPaused.value ? "play" : "pause"}
          look="plain"
          label={isPaused.value ? "Go on" : "Pause"}
          onClick={() => (isPaused.value = !isPaused.value)}
        />
        <Button
          icon={icons[theme.value]}
          look="plain"
          label={`Colours: ${theme.value}`}
          onClick={nextTheme}
        />
        <Button icon="help" look="plain" label="Keys" onClick={() => (areKeysShown.value = true)} />
      </header>
      <Banner />
    </>
  );
}

function Banner(): VNode | null {
  const found = trouble.value;
  if (found === undefined) return null;
  return (
    <div class="banner" role="alert">
      <Icon name="warning" />
      <span>
        {found.message} <span class="small">({found.code})</span> It is tried again by itself.
      </span>
    </div>
  );
}
