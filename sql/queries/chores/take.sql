-- Takes the one of these chores that has been due for longest and moves it on at once by its interval: nobody else takes it
-- until then. To lose that does no harm, so it does not wait for the disk. Also says how soon the next one is due. Served by
-- the primary key.
with given as materialized (
  select name, interval_ms
    from unnest(($1::text)::text[], ($2::text)::double precision[]) as given (name, interval_ms)
), due as materialized (
  select chores.name
    from given
    join :"schema".chores on chores.name = given.name
   where chores.due_at <= :"schema".now()
   order by chores.due_at
   limit 1
     for update of chores skip locked
), taken as (
  update :"schema".chores
     set due_at = :"schema".now() + given.interval_ms * interval '1 millisecond'
    from due
    join given on given.name = due.name
   where chores.name = due.name
  returning chores.name, set_config('synchronous_commit', 'off', true)
)
select (select taken.name from taken) as name,
       (select extract(epoch from min(chores.due_at) - :"schema".now())::double precision * 1000
          from given
          join :"schema".chores on chores.name = given.name
         where chores.due_at > :"schema".now()) as next_due_ms
