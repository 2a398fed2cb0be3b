import { ownIdentity } from "../lifecycle/process-identity.ts";
import type { WorkerRegistration } from "../store/workers.ts";
import type { SessionContext } from "./session-context.ts";

/** What a worker says of itself when a session of it starts. */
export function registrationOf(
  id: string,
  context: SessionContext,
  forbiddenFlags: readonly string[] | null,
): WorkerRegistration {
  const { options, version, slots } = context;
  const tasks = [...options.handlers.values()].map(({ task }) => task);
  return {
    id,
    name: options.name,
    ...ownIdentity(),
    version,
    queues: options.queues,
    tasks: tasks.map(({ name }) => name),
    concurrency: options.concurrency,
    leaseMs: options.leaseMs,
    transactionSlots: slots.count,
    transactional: tasks.filter(({ transactional }) => transactional).map(({ name }) => name),
    forbiddenFlags,
  };
}
