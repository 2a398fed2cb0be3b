import type { ComponentChildren } from "preact";

/** A column of a table: its title, and what stands in it. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly class?: string;
}

/** Which rows are selected, by their key. */
export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly set: (keys: ReadonlySet<string>) => void;
}

interface TableProps<Row> {
  /** What it shows, for those who do not see it. */
  readonly caption: string;
  /** Undefined as long as they are not known. */
  readonly rows: readonly Row[] | undefined;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  /** Where Enter leads to. */
  readonly open?: (row: Row) => string;
  readonly selection?: Selection;
  /** What stands in place of no rows. */
  readonly empty: ComponentChildren;
}

const bones = [0, 1, 2, 3, 4, 5, 6, 7];

/** A table that can be walked through by keyboard, with grey bones until its rows are known. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, rows, columns, selection, empty } = props;
  if (rows?.length === 0) return <>{empty}</>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table aria-busy={rows === undefined}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {selection !== undefined && <SelectAll {...props} selection={selection} />}
            {columns.map(({ title, class: name }) => (
              <th key={title} scope="col" class={name}>
                {title === "" ? <span class="unseen">Actions</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows === undefined
            ? bones.map((bone) => <Bones key={bone} count={columns.length + (selection ? 1 : 0)} />)
            : rows.map((row) => <TableRow key={props.keyOf(row)} row={row} table={props} />)}
        </tbody>
      </table>
    </div>
  );
}

function TableRow<Row>({ row, table }: { readonly row: Row; readonly table: TableProps<Row> }) {
  const { columns, keyOf, open, selection } = table;
  const key = keyOf(row);
  const isSelected = selection?.keys.has(key) ?? false;
  return (
    <tr
      data-row={key}
      data-open={open?.(row)}
      tabIndex={-1}
      aria-selected={isSelected ? "true" : undefined}
    >
      {selection !== undefined && (
        <td class="tick">
          <input
            type="checkbox"
            aria-label={`Select ${key}`}
            checked={isSelected}
            onClick={() => selection.set(toggled(selection.keys, [key], !isSelected))}
          />
        </td>
      )}
      {columns.map(({ title, cell, class: name }) => (
        <td key={title} class={name}>
          {cell(row)}
        </td>
      ))}
    </tr>
  );
}

function SelectAll<Row>({ rows, keyOf, selection }: TableProps<Row> & { selection: Selection }) {
  const keys = (rows ?? []).map(keyOf);
  const selected = keys.filter((key) => selection.keys.has(key)).length;
  const isAll = selected > 0 && selected === keys.length;
  return (
    <th scope="col" class="tick">
      <input
        type="checkbox"
        aria-label="Select all on this page"
        checked={isAll}
        indeterminate={selected > 0 && !isAll}
        onClick={() => selection.set(toggled(selection.keys, keys, !isAll))}
      />
    </th>
  );
}

function Bones({ count }: { readonly count: number }) {
  return (
    <tr>
      {Array.from({ length: count }, (_, place) => (
        <td key={place}>
          <span class="bone" />
        </td>
      ))}
    </tr>
  );
}

function toggled(
  selected: ReadonlySet<string>,
  keys: readonly string[],
  isOn: boolean,
): ReadonlySet<string> {
  const next = new Set(selected);
  for (const key of keys) {
    if (isOn) next.add(key);
    else next.delete(key);
  }
  return next;
}
