export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** A table of Markdown; prettier aligns it. */
export function toTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => title);
  const rules = columns.map(({ align }) => (align === "right" ? "--:" : "---"));
  return [toRow(titles), `| ${rules.join(" | ")} |`, ...rows.map(toRow)].join("\n");
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.map(escapeCell).join(" | ")} |`;
}

function escapeCell(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
}
