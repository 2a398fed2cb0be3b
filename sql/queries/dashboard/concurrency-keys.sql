-- A page of concurrency keys, each counted up to $5 and all of them within about $6 milliseconds: see migrations/0019-search.sql.
-- Served by the primary key, jobs_lanes and jobs_blocked.
select measured.queue, measured.key, measured."limit", measured.up_to, measured.running, measured.waiting
  from :"schema".measure_concurrency_keys($1, $2, $3, $4::integer, $5::integer, $6::double precision) as measured
 order by measured.queue collate "C", measured.key collate "C"
