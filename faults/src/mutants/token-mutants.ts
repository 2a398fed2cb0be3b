import type { Mutant } from "./mutant.ts";

const settle = "sql/migrations/0005-settle.sql";
const rescue = "sql/migrations/0006-rescue.sql";
const claim = "sql/migrations/0004-claim.sql";
const enqueuer = "src/client/enqueuer.ts";

/** Bugs of tokens, locks and commits. */
export const tokenMutants: readonly Mutant[] = [
  {
    number: 1,
    name: "a completion without its claim token",
    edits: [
      {
        file: settle,
        from: `       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
    returning jobs.id, jobs.created_at`,
        to: `       and jobs.id = any (_ids)
    returning jobs.id, jobs.created_at`,
      },
    ],
  },
  {
    number: 2,
    name: "a failure without its claim token",
    edits: [
      {
        file: settle,
        from: `       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
       for no key update`,
        to: `       for no key update`,
      },
      {
        file: settle,
        from: `       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
       and jobs.cancel_reason is null`,
        to: `       and jobs.cancel_reason is null`,
      },
    ],
  },
  {
    number: 3,
    name: "a rescue that does not look whose the job is now",
    edits: [
      {
        file: rescue,
        from: `          and jobs.id = any (claims.ids)
          and jobs.worker_id = _worker_id
          and jobs.claim_number = claims.claim_number
       offset 0
     ) as jobs
     where claims.worker_id = _worker_id
  ), alone`,
        to: `          and jobs.id = any (claims.ids)
       offset 0
     ) as jobs
     where claims.worker_id = _worker_id
  ), alone`,
      },
      {
        file: rescue,
        from: `     where jobs.worker_id = _worker_id
     order by jobs.queue, jobs.id
       for update of jobs skip locked
  ), judged`,
        to: `     order by jobs.queue, jobs.id
       for update of jobs skip locked
  ), judged`,
      },
    ],
  },
  {
    number: 4,
    name: "an enqueue that is acknowledged before its COMMIT",
    edits: [
      {
        file: enqueuer,
        from: `    const isAlone = joined !== undefined || job.hasOwnId;
    return isAlone ? first(await this.#writeAll([job], joined)) : this.#coalescer.add(job);`,
        to: `    if (joined !== undefined) return first(await this.#writeIn(joined, [job]));
    const written = job.hasOwnId ? this.#write([job]).then(first) : this.#coalescer.add(job);
    written.catch(() => undefined);
    const { id, queue, task: name } = job;
    return {
      job: { id, queue, task: name, state: "ready", runAt: new Date(), correlationId: null },
      outcome: "created",
    };`,
      },
    ],
  },
  {
    number: 5,
    name: "a failed COMMIT that passes for success",
    edits: [
      {
        file: "src/adapters/pg-transaction.ts",
        from: `      assertCommitted(await this.#run(statement, []));
    } catch (error) {
      this.#end(() => {
        this.#connection.destroy();
      });
      throw error;
    }`,
        to: `      assertCommitted(await this.#run(statement, []));
    } catch {
      this.#end(() => {
        this.#connection.destroy();
      });
      return;
    }`,
      },
    ],
  },
  {
    number: 6,
    name: "an enqueue tried again under another id",
    edits: [
      {
        file: enqueuer,
        from: `      areNew = false;
      if (writing.areNew`,
        to: `      if (!areNew) jobs = jobs.map((job) => ({ ...job, id: this.#options.preparation.newId() }));
      areNew = false;
      if (writing.areNew`,
      },
    ],
  },
  {
    number: 7,
    name: "a claim that locks nothing",
    edits: [
      {
        file: claim,
        from: `        limit _limit
          for update skip locked
     ) as found`,
        to: `        limit _limit
     ) as found`,
      },
    ],
  },
  {
    number: 8,
    name: "a claim that takes more than was asked for",
    edits: [
      {
        file: claim,
        from: `        limit _limit
          for update skip locked
     ) as found
     limit _limit`,
        to: `        limit _limit + 1
          for update skip locked
     ) as found`,
      },
    ],
  },
];
