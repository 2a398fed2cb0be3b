import { join } from "node:path";
import type { Recorder } from "./evidence/recorder.ts";
import type { Assignment } from "./processes/assignment.ts";
import { RunProcess, type Exit } from "./processes/run-process.ts";
import { Proxy } from "./proxy/proxy.ts";
import type { Chance } from "./random.ts";
import type { Site } from "./servers/site.ts";

/** A process on the stage, and the proxy that it goes through, if it has one. */
export interface Actor {
  readonly process: RunProcess;
  readonly proxy: Proxy | undefined;
}

export interface StageOptions {
  readonly site: Site;
  readonly chance: Chance;
  readonly recorder: Recorder;
  /** Where the events and logs of the run go. */
  readonly directory: string;
  readonly isProxied: boolean;
  readonly assignment: Pick<Assignment, "workload" | "seed">;
}

const eventsFile = "events.jsonl";

/** Where a run takes place: its database and its processes, for faults to get at. */
export class Stage {
  readonly site: Site;
  readonly chance: Chance;
  readonly recorder: Recorder;
  readonly exits: Exit[] = [];
  readonly #options: StageOptions;
  readonly #actors = new Set<Actor>();
  readonly #proxies = new Set<Proxy>();
  readonly #replacements: Promise<Actor>[] = [];
  #isClosed = false;

  constructor(options: StageOptions) {
    this.#options = options;
    this.site = options.site;
    this.chance = options.chance;
    this.recorder = options.recorder;
  }

  static eventsIn(directory: string): string {
    return join(directory, eventsFile);
  }

  get workload(): string {
    return this.#options.assignment.workload;
  }

  /** Those that have not ended, and were not given up. */
  get actors(): readonly Actor[] {
    return [...this.#actors].filter(({ process }) => process.isAlive);
  }

  get workers(): readonly Actor[] {
    return this.actors.filter(({ process }) => process.assignment.role === "worker");
  }

  get producer(): Actor | undefined {
    return this.actors.find(({ process }) => process.assignment.role === "producer");
  }

  /** Starts a process; resolves when it says that it is ready, or has ended. */
  async start(role: Assignment["role"], more: Partial<Assignment> = {}): Promise<Actor> {
    const actor = await this.#begin(role, more);
    await actor.process.says("ready");
    return actor;
  }

  async #begin(role: Assignment["role"], more: Partial<Assignment>): Promise<Actor> {
    const { site, isProxied, directory, assignment } = this.#options;
    const proxy = isProxied ? await Proxy.start(site.url) : undefined;
    if (proxy !== undefined) this.#proxies.add(proxy);
    const process = new RunProcess(
      {
        role,
        url: proxy?.url ?? site.url,
        events: Stage.eventsIn(directory),
        ...assignment,
        ...more,
      },
      directory,
    );
    const actor = { process, proxy };
    this.#actors.add(actor);
    void process.ended.then((exit) => {
      this.exits.push(exit);
      // As a supervisor does, when a job has ended it.
      const isCrash = role === "worker" && exit.code !== 0 && !process.isMeantToEnd;
      if (isCrash && !this.#isClosed) this.#replacements.push(this.#begin(role, more));
    });
    return actor;
  }

  /** One of the workers; starts one where all have ended. */
  async worker(): Promise<Actor> {
    const { workers } = this;
    return workers.length === 0 ? this.start("worker") : this.chance.pick(workers);
  }

  async kill({ process }: Actor): Promise<void> {
    this.recorder.record({ kind: "killed", victim: process.pid });
    process.signal("SIGKILL");
    await process.ended;
  }

  /** Stops a process as it stands for a while: a virtual machine that is moved, a laptop that is closed. */
  async freeze({ process }: Actor, ms: number): Promise<void> {
    this.recorder.record({ kind: "frozen", victim: process.pid });
    process.signal("SIGSTOP");
    await this.pause(ms);
    process.signal("SIGCONT");
    this.recorder.record({ kind: "thawed", victim: process.pid });
  }

  tell(what: string): void {
    this.recorder.record({ kind: "fault", what });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** A pause of some length between these, in milliseconds. */
  pauseBetween(minMs: number, maxMs: number): Promise<void> {
    return this.pause(this.chance.integer(minMs, maxMs));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // One that could not begin must not keep the others from being stopped.
    await Promise.allSettled(this.#replacements);
    for (const { process } of this.#actors) {
      process.signal("SIGCONT");
      process.signal("SIGKILL");
      await process.ended;
    }
    for (const proxy of this.#proxies) await proxy.close();
  }
}
