// The package has no types of its own.
declare module "parse-prometheus-text-format" {
  interface Metric {
    readonly name: string;
    readonly metrics: readonly {
      readonly labels?: Readonly<Record<string, string>>;
      readonly value?: string;
    }[];
  }
  export default function parse(text: string): readonly Metric[];
}
