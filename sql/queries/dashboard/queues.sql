-- What waits in each queue, each count up to $1 and all of it within about $2 milliseconds: see migrations/0019-search.sql. Served by
-- the indexes of the states.
select measured.name, measured.paused, measured.up_to, measured.scheduled, measured.ready, measured.blocked, measured.running,
       measured.oldest_ready_ms
  from :"schema".measure_queues($1::integer, $2::double precision) as measured
 order by measured.name collate "C"
