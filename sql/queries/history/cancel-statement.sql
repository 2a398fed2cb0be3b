-- Cancels a statement that takes too long, wherever a pooler has sent it. Reads the list of sessions.
select pg_catalog.pg_cancel_backend(pid)
  from pg_catalog.pg_stat_activity
 where datname = current_database()
   and state = 'active'
   and pid <> pg_catalog.pg_backend_pid()
   and query = $1
