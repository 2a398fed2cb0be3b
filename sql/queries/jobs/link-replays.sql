-- Says of jobs that were just inserted which job they replay. Served by the primary key.
update :"schema".jobs
   set replay_of = link.replay_of
  from unnest(($1::text)::text[], ($2::text)::uuid[], ($3::text)::uuid[]) as link (queue, id, replay_of)
 where jobs.queue = link.queue
   and jobs.id = link.id
