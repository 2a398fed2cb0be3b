-- Pauses or resumes a task; true when that was a change. Served by the primary key.
with known as (
  select paused from :"schema".tasks where name = $1
), set as (
  insert into :"schema".tasks as tasks (name, paused) values ($1, $2::boolean)
      on conflict (name) do update set paused = excluded.paused
)
select coalesce((select paused from known), false) <> $2::boolean as changed, pg_notify(:'schema', '')
