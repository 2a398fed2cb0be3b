-- Takes back jobs that were just inserted. Served by the primary key.
delete from :"schema".jobs
 using unnest(($1::text)::text[], ($2::text)::uuid[]) as new (queue, id)
 where jobs.queue = new.queue
   and jobs.id = new.id
