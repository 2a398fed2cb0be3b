-- Which queues have ready jobs? A skip scan over jobs_ready: for each known queue the parts after its cursors, and one
-- jump per queue in each gap between known queues, so that neither dead index entries nor the number of jobs matter.
-- $1 to $5 are the ranges of the known queues, $6 and $7 the gaps, $8 the queues that the worker takes (null: any),
-- $9 the known queues and $10 how often each had been rewound when its cursors were made.
with recursive jumped (queue, upper) as (
  select (select jobs.queue
            from :"schema".jobs
           where jobs.state = 'ready' and jobs.queue > gap.lower and (gap.upper is null or jobs.queue < gap.upper)
           order by jobs.queue
           limit 1),
         gap.upper
    from unnest(($6::text)::text[], ($7::text)::text[]) as gap (lower, upper)
  union all
  select (select jobs.queue
            from :"schema".jobs
           where jobs.state = 'ready' and jobs.queue > jumped.queue and (jumped.upper is null or jobs.queue < jumped.upper)
           order by jobs.queue
           limit 1),
         jumped.upper
    from jumped
   where jumped.queue is not null
), known as (
  select distinct range.queue
    from unnest(($1::text)::text[], ($2::text)::smallint[], ($3::text)::timestamptz[], ($4::text)::uuid[], ($5::text)::smallint[])
      as range (queue, lowest, run_at, id, highest)
   where exists (
     select from :"schema".jobs
      where jobs.queue = range.queue
        and jobs.state = 'ready'
        and (jobs.priority, jobs.run_at, jobs.id) > (range.lowest, range.run_at, range.id)
        and jobs.priority <= range.highest
   )
), found as (
  select known.queue from known
  union
  select jumped.queue from jumped
   where jumped.queue is not null and ($8::text is null or jumped.queue = any (($8::text)::text[]))
  union
  select queues.name
    from unnest(($9::text)::text[], ($10::text)::bigint[]) as remembered (name, rewinds)
    join :"schema".queues on queues.name = remembered.name
   where queues.rewinds > remembered.rewinds
)
select (select json_agg(found.queue)::text from found) as queues,
       pg_current_snapshot()::text as snapshot
