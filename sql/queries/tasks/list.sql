-- Every task that has live jobs, or of which something is known. Reads every live job.
select coalesce(tasks.name, counted.task) as name,
       coalesce(tasks.paused, false) as paused,
       coalesce(counted.scheduled, 0) as scheduled,
       coalesce(counted.ready, 0) as ready,
       coalesce(counted.blocked, 0) as blocked,
       coalesce(counted.running, 0) as running
  from :"schema".tasks
  full join (
    select jobs.task,
           count(*) filter (where jobs.state = 'scheduled')::integer as scheduled,
           count(*) filter (where jobs.state = 'ready')::integer as ready,
           count(*) filter (where jobs.state = 'blocked')::integer as blocked,
           count(*) filter (where jobs.state = 'running')::integer as running
      from :"schema".jobs
     group by jobs.task
  ) as counted on counted.task = tasks.name
 order by coalesce(tasks.name, counted.task) collate "C"
