-- The tasks that the database knows, and whether they are paused: at most 5,000. Served by the primary key.
select tasks.name, tasks.paused from :"schema".tasks order by tasks.name limit 5000
