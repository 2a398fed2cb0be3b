-- Whether any operation goes on, whoever holds it. Served by operations_running.
select exists (select from :"schema".operations where operations.state = 'running') as running
