-- What every worker looks at twice a second: what is paused, and whether a command has touched its jobs. Served by
-- queues_paused, tasks_paused and notices_of_worker.
select (select json_agg(queues.name)::text from :"schema".queues where queues.paused) as queues,
       (select json_agg(tasks.name)::text from :"schema".tasks where tasks.paused) as tasks,
       (select json_agg(notices.number::text)::text from :"schema".notices where notices.worker_id = $1::uuid) as notices
