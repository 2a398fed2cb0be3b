import { openSync, readFileSync, writeSync } from "node:fs";
import { monotonicMs, type Event, type What } from "./event.ts";

/** Appends events to the file that all processes of a run share. What it has written outlives the process. */
export class Recorder {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  record(what: What): void {
    const event: Event = { ...what, at: monotonicMs(), pid: process.pid };
    // One write of a short line to a file opened for appending is never mixed with another.
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }
}

/** The events of a file, in the order of their times. */
export function readEvents(path: string): Event[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Event) // as the recorder wrote it
    .sort((a, b) => a.at - b.at);
}
