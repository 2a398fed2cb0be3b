import type { KeysPage } from "../../../src/dashboard/api.ts";
import { change as send } from "../api.ts";
import { formatNumber, percent, plural } from "../format.ts";
import { firstPage } from "../pages.ts";
import { ActionButton } from "../parts/button.tsx";
import { ask } from "../parts/dialog.tsx";
import { Chips } from "../parts/filter-bar.tsx";
import { Empty, Name, Title, Trouble } from "../parts/marks.tsx";
import { Pager } from "../parts/pager.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useReading } from "../reading.ts";
import { change, hashOf, route } from "../route.ts";
import { sayDone } from "../toasts.ts";

type KeyRow = KeysPage["keys"][number];

/** Every concurrency key that somebody uses: what runs under it, and what waits for it. */
export function KeysScreen() {
  const { queue, after } = route.value.params;
  const { answer, failure, again } = useReading("concurrency-keys", {
    ...(queue === undefined ? {} : { queue }),
    ...(after === undefined ? {} : { after }),
  });
  return (
    <div class="screen">
      <div class="heading">
        <Title icon="keys">Concurrency keys</Title>
        <Chips values={{ queue }} onRemove={(name) => change({ [name]: undefined, ...firstPage })} />
      </div>
      <Trouble failure={failure} />
      <section class="panel">
        <Table
          caption="Concurrency keys"
          rows={answer?.keys}
          keyOf={(row) => `${row.queue} ${row.key}`}
          open={(row) => hashOf("jobs", { queue: row.queue, concurrencyKey: row.key })}
          columns={columnsWith(again)}
          empty={
            <Empty title="No concurrency keys in use">
              <p>
                Jobs with the option <code>concurrency: {"{ key, limit }"}</code> share one, and are
                seen here as long as they live.
              </p>
            </Empty>
          }
        />
        <Pager next={answer?.next ?? null} shown={answer?.keys.length ?? 0} noun="keys" />
      </section>
    </div>
  );
}

function columnsWith(again: () => void): Column<KeyRow>[] {
  return [
    {
      title: "Key",
      cell: ({ queue, key }) => (
        <a href={hashOf("jobs", { queue, concurrencyKey: key })}>
          <Name text={key} />
        </a>
      ),
    },
    {
      title: "Queue",
      cell: ({ queue }) => (
        <a href={hashOf("keys", { queue })}>
          <Name text={queue} />
        </a>
      ),
    },
    {
      title: "Running",
      cell: ({ running, limit }) => (
        <>
          <span class="meter running" aria-hidden="true">
            <span style={{ width: `${percent(running, limit)}%` }} />
          </span>
          <span class="second">
            {formatNumber(running)} of {formatNumber(limit)}
          </span>
        </>
      ),
    },
    { title: "Waiting", class: "number", cell: ({ waiting }) => formatNumber(waiting) },
    { title: "", cell: (row) => <UnlockButton row={row} onDone={again} /> },
  ];
}

function UnlockButton({ row, onDone }: { readonly row: KeyRow; readonly onDone: () => void }) {
  const { queue, key, running } = row;
  const unlock = () =>
    ask({
      title: "Unlock the concurrency key?",
      text:
        `${plural(running, "running job")} of ${key} will be taken from its worker and run again. ` +
        "What a handler is doing at this moment may happen twice: unlock only what is stuck.",
      action: "Unlock",
      run: async () => {
        const { unlocked } = await send("unlock-key", { queue, key });
        sayDone(`Unlocked ${key}: ${plural(unlocked, "job")} will run again.`);
        onDone();
      },
    });
  return (
    <span class="actions">
      <ActionButton
        class="small danger"
        needs="operator"
        icon="unlock"
        label={`Unlock ${key}`}
        reason={running === 0 ? "Nothing runs under this key." : undefined}
        onPress={unlock}
      >
        Unlock
      </ActionButton>
    </span>
  );
}
