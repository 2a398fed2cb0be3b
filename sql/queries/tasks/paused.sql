-- The tasks that are paused. Served by tasks_paused.
select tasks.name
  from :"schema".tasks
 where tasks.paused
 order by tasks.name collate "C"
