-- NOTIFY holds a cluster-wide lock at commit, so it is sent only when some worker has asked to be woken.
-- breaking: no

create function :"schema".wake_workers() returns void
language sql
as $$
  select pg_notify(:'schema', '')
   where exists (select from :"schema".workers where idle and ended_at is null)
$$;
