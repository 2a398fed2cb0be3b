-- Takes back those of the jobs just inserted whose history shows that they ran before. It is a statement of its own, after
-- the insert, because its snapshot must see a settle that was committed while the insert ran. Served by history_job.
delete from :"schema".jobs
 using unnest(($1::text)::text[], ($2::text)::uuid[]) as new (queue, id)
 where jobs.queue = new.queue
   and jobs.id = new.id
   and exists (select from :"schema".history where history.queue = new.queue and history.id = new.id)
returning jobs.queue, jobs.id
