-- Keeps what a worker says of the tasks that it handles, and returns those of which it says something new. A row is written
-- only then, or when it was last seen more than a day ago; in the order of the names, so that no two workers wait for each
-- other. Served by the primary key.
insert into :"schema".tasks as known (name, retention_ms, keep)
select given.name, given.retention_ms, given.keep
  from unnest(($1::text)::text[], ($2::text)::double precision[], ($3::text)::text[]) as given (name, retention_ms, keep)
 where not exists (
   select from :"schema".tasks
    where tasks.name = given.name
      and tasks.retention_ms is not distinct from given.retention_ms
      and tasks.keep is not distinct from given.keep
      and tasks.seen_at > :"schema".now() - interval '1 day')
 order by given.name collate "C"
    on conflict (name) do update
   set seen_at = excluded.seen_at, retention_ms = excluded.retention_ms, keep = excluded.keep
returning known.name
