-- Ends a session in which a transactional handler of this worker held a job's row, when its connection is dead.
select pg_terminate_backend(pid)
  from pg_stat_activity
 where pid = $2::integer
   and application_name = 'pawl ' || $1
