/** The maintenance that a worker gives a home to; made by whoever composes the services. */
export interface Upkeep {
  start(): void;
  stop(): Promise<void>;
  /** Jobs of tasks that this worker does not know were seen in a queue. */
  noticeUnknownTasks(queue: string): void;
}
