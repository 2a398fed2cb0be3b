/** A job system in which a worker is frozen for longer than its hold on a job lasts. */
export interface Peer {
  /** Of the package. */
  readonly name: string;
  /** How its hold on the job is made to end while the worker is frozen, for the table. */
  readonly expiry: string;
  /** Makes its tables, and enqueues one job that may be tried three times without a pause. */
  prepare(url: string): Promise<void>;
  /** Runs jobs until the process ends; each calls `run`. */
  work(url: string, run: () => Promise<void>): Promise<void>;
  /** Has the frozen worker's hold on the job ended, as the documentation says. */
  expire(url: string): Promise<void>;
  /** What the database says of the job. */
  state(url: string): Promise<string>;
}
