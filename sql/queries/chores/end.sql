-- Says that a chore is done, or with $2 that it has to be done again after so many milliseconds. To lose it does no
-- harm, so it does not wait for the disk. Served by the primary key.
update :"schema".chores
   set done_at = case when $2::double precision is null then :"schema".now() else done_at end,
       due_at = coalesce(least(due_at, :"schema".now() + $2::double precision * interval '1 millisecond'), due_at)
 where name = $1
returning set_config('synchronous_commit', 'off', true)
