import type { Serializer } from "./core/serializer.ts";
import type { AnyTask } from "./core/task.ts";
import type { Database } from "./db/database.ts";
import type { Store } from "./store/store.ts";

/** @internal What a `Pawl` is made of, for the parts of this package that stand beside it. */
export interface PawlInternals {
  readonly store: Store<Database>;
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly serializer: Serializer;
  readonly version: string;
  /** Tells whoever listens of an error that nobody waits for. */
  readonly report: (error: unknown) => void;
}
