import type { VNode } from "preact";
import { plural } from "../format.ts";
import type { Search } from "../search.ts";
import { Button } from "./button.tsx";

/** How far a search has come that takes more than a moment, and what stops it. */
export function SearchProgress({ search }: { readonly search: Search<unknown> }): VNode | null {
  const { found } = search;
  if (found === undefined || found.state === "done") return null;
  const isSearching = found.state === "searching";
  return (
    <div class="bulk" role="status">
      <span>
        {isSearching ? "Searching" : "Stopped"}: {plural(found.examined, "row")} looked at,{" "}
        {plural(found.rows.length, "match").replace("matchs", "matches")} so far.
      </span>
      {isSearching ? (
        <Button size="tiny" icon="pause" onClick={search.stop}>
          Stop
        </Button>
      ) : (
        <Button size="tiny" icon="play" onClick={search.goOn}>
          Go on
        </Button>
      )}
    </div>
  );
}
