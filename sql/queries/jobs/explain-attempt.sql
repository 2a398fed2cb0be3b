-- What became of one attempt of a job; no row when its history is not kept. Served by history_job.
select history.outcome, history.error ->> 'message' as error
  from :"schema".history
 where history.queue = $1
   and history.id = $2::uuid
   and history.attempt = $3::integer
 order by history.queue, history.id
 limit 1
