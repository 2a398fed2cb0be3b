import { formatNumber } from "../format.ts";
import { nextPage, previousPage } from "../pages.ts";
import { change, route } from "../route.ts";
import type { Search } from "../searching.ts";
import { Icon } from "./icons.tsx";

interface PagerProps {
  readonly next: string | null;
  readonly shown: number;
  readonly noun: string;
  /** Of a search that may take longer. */
  readonly search?: Search<unknown>;
}

/** From page to page, in a way that a link can carry; and how far a search has come that takes longer. */
export function Pager({ next, shown, noun, search }: PagerProps) {
  const { params } = route.value;
  const previous = previousPage(params);
  return (
    <div class="pager">
      <span aria-live="polite">
        {search?.isRunning === true
          ? `Searching: ${formatNumber(search.examined)} rows examined, ${formatNumber(shown)} found`
          : `${formatNumber(shown)} ${noun}`}
      </span>
      {search?.isRunning === true && (
        <button type="button" class="small" onClick={search.stop}>
          <Icon name="stop" />
          Stop
        </button>
      )}
      <div class="end">
        <button
          type="button"
          class="small"
          disabled={previous === undefined}
          onClick={() => previous !== undefined && change(previous)}
        >
          <Icon name="left" />
          Back
        </button>
        <button
          type="button"
          class="small"
          disabled={next === null || search?.isRunning === true}
          onClick={() => next !== null && change(nextPage(params, next))}
        >
          Next
          <Icon name="right" />
        </button>
      </div>
    </div>
  );
}
