-- NOTIFY holds a cluster-wide lock at commit, so it is sent only when some worker has asked to be woken.
-- breaking: no

-- _news: 'ready' when all that has come are jobs that can be claimed; else workers look at everything. What this does is
-- written out in queries/jobs/insert-one.sql, where a call would cost too much.
create function :"schema".wake_workers(_news text default '') returns void
language sql
as $$
  select pg_notify(:'schema', _news)
   where exists (select from :"schema".workers where idle and ended_at is null)
$$;
