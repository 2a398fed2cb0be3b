/** The label names of one sample, with their values. */
export type Labels = Readonly<Record<string, string>>;

/** One line: `suffix` follows the family's name. */
export interface Sample {
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A metric as Prometheus sees it: samples with different labels, under one name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<Sample>;
}

/** The content type of `exposition`. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/** The families in Prometheus's text format 0.0.4; one without samples is left out. */
export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText(family: Family): string {
  const { name, help, type } = family;
  let text = "";
  for (const { suffix = "", labels, value } of family.samples()) {
    text += `${name}${suffix}${labelText(labels)} ${valueText(value)}\n`;
  }
  return text === "" ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${text}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function valueText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
