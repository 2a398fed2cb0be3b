-- Pauses or resumes a queue; true when that was a change. Served by the primary key.
with known as (
  select paused from :"schema".queues where name = $1
), set as (
  insert into :"schema".queues as queues (name, paused) values ($1, $2::boolean)
      on conflict (name) do update set paused = excluded.paused
)
select coalesce((select paused from known), false) <> $2::boolean as changed, pg_notify(:'schema', '')
