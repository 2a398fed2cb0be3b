import type { Mutant } from "./mutant.ts";

const settle = "sql/migrations/0005-settle.sql";
const rescue = "sql/migrations/0006-rescue.sql";
const claim = "sql/migrations/0004-claim.sql";

/** Bugs of counting, of leases, and of how workers live and end. */
export const lifeMutants: readonly Mutant[] = [
  {
    number: 9,
    name: "attempts counted when they fail, not when they are claimed",
    edits: [
      {
        file: claim,
        from: `             worker_id = _worker_id, claim_number = _claim_number, claimed_at = :"schema".now(), attempt = jobs.attempt + 1
       where jobs.queue = _queue
         and jobs.id = any (_ids)
      returning`,
        to: `             worker_id = _worker_id, claim_number = _claim_number, claimed_at = :"schema".now()
       where jobs.queue = _queue
         and jobs.id = any (_ids)
      returning`,
      },
      {
        file: settle,
        from: `           failures = jobs.failures + coalesce(`,
        to: `           attempt = jobs.attempt + 1,
           failures = jobs.failures + coalesce(`,
      },
    ],
  },
  {
    number: 10,
    name: "a worker that neither listens again nor looks by itself",
    edits: [
      {
        file: "src/worker/wake-ups.ts",
        from: `        this.#listener = undefined;
        this.#options.onError(error);
        this.#options.onLost();
        this.#options.onWake(false);
        this.#loop.wake();`,
        to: `        this.#options.onError(error);`,
      },
      {
        file: "src/worker/worker-options.ts",
        from: `    pollIntervalMs: Math.max(1, parseDuration(options.pollInterval ?? "1s", "pollInterval")),`,
        to: `    pollIntervalMs: 3_600_000,`,
      },
    ],
  },
  {
    number: 11,
    name: "leases judged by the clocks of the applications",
    edits: [
      {
        file: "sql/queries/workers/find-lost.sql",
        from: `   select workers.heartbeat_at < :"schema".now() - workers.lease_ms`,
        to: `   select workers.heartbeat_at < to_timestamp($3::double precision) - workers.lease_ms`,
      },
      {
        file: "src/store/workers.ts",
        from: `store.sql("workers/find-lost"), [all, machine]`,
        to: `store.sql("workers/find-lost"), [all, machine, Date.now() / 1000]`,
      },
      {
        file: rescue,
        from: `     and ended_at is null
     and (_is_gone or heartbeat_at < :"schema".now() - lease_ms * interval '1 millisecond');`,
        to: `     and ended_at is null;`,
      },
    ],
  },
  {
    number: 12,
    name: "a count of what runs for a key, instead of rows",
    edits: [
      {
        file: "sql/migrations/0001-tables.sql",
        from: `  max_running integer not null check (max_running > 0),`,
        to: `  max_running integer not null check (max_running > 0),
  running integer not null default 0,`,
      },
      {
        file: "sql/migrations/0011-admission.sql",
        from: `         when keys.max_running = 1 and not exists (`,
        to: `         when true then array(select generate_series(1, keys.max_running - keys.running))
         when keys.max_running = 1 and not exists (`,
      },
      {
        file: "sql/migrations/0011-admission.sql",
        from: `    -- The locks have drawn the transaction's id: only now may the clock be read (decision 0002).`,
        to: `    update :"schema".concurrency_keys as keys
       set running = keys.running + taken.count
      from (
        select jobs.concurrency_key as key, count(*) as count
          from :"schema".jobs
         where jobs.queue = _queue
           and jobs.id = any (_ids)
         group by jobs.concurrency_key
      ) as taken
     where keys.queue = _queue
       and keys.key = taken.key;`,
      },
      {
        file: settle,
        from: `  _keys := :"schema".lock_concurrency_keys(_queue, _keys);`,
        to: `  _keys := :"schema".lock_concurrency_keys(_queue, _keys);
  update :"schema".concurrency_keys as keys
     set running = greatest(0, keys.running - 1)
   where keys.queue = _queue
     and keys.key = any (_keys);`,
      },
    ],
  },
  {
    number: 13,
    name: "calls to the database without a deadline",
    edits: [
      {
        file: "src/db/deadline.ts",
        from: `    return withDeadline(step, leftMs, () => timeoutError(this.#timeoutMs));`,
        to: `    return leftMs < 0 ? withDeadline(step, leftMs, () => timeoutError(this.#timeoutMs)) : step;`,
      },
    ],
  },
  {
    number: 14,
    name: "a claim under the token of one before",
    edits: [
      {
        file: "src/worker/claimer.ts",
        from: `    this.#claimNumber += 1;
    const claimNumber`,
        to: `    this.#claimNumber = 1;
    const claimNumber`,
      },
    ],
  },
  {
    number: 15,
    name: "a worker that stops and keeps what it has claimed",
    edits: [
      {
        file: "src/worker/session.ts",
        from: `    this.#release(this.starter.stop());
    this.runner.stopWaiting();`,
        to: `    this.starter.stop();
    this.runner.stopWaiting();`,
      },
      {
        file: "src/worker/session.ts",
        from: `    this.#release(await this.#intake.stop());`,
        to: `    await this.#intake.stop();`,
      },
      {
        file: "src/worker/session.ts",
        from: `    await endWorker(this.#context.control, this.id).catch(this.#events.onError);`,
        to: `    if (withinMs < 0) await endWorker(this.#context.control, this.id);`,
      },
    ],
  },
  {
    number: 16,
    name: "a heartbeat that goes on when the lease is lost",
    edits: [
      {
        file: "sql/queries/workers/beat.sql",
        from: `   and ended_at is null
returning`,
        to: `returning`,
      },
    ],
  },
];
