import type { Recorder } from "../evidence/recorder.ts";
import type { Assignment, Message } from "./assignment.ts";
import type { PawlModule } from "./pawl-module.ts";

/** What a role has at hand. */
export interface Setting {
  readonly assignment: Assignment;
  readonly recorder: Recorder;
  readonly pawl: PawlModule;
}

export type Tell = (message: Message) => void;
