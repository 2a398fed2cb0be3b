/** A bug that the campaign must find: places in the source, and what stands there instead. */
export interface Mutant {
  readonly number: number;
  readonly name: string;
  readonly edits: readonly {
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }[];
}
