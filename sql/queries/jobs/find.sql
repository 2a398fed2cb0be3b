-- In which queues is there a live job of this id? A skip scan over the primary key.
select jobs.queue
  from :"schema".live_queues() as live
  join :"schema".jobs on jobs.queue = live.queue and jobs.id = $1::uuid
 order by jobs.queue
