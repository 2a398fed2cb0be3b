-- Says that a chore is done, or with $2 that it has to be done again after so many milliseconds. Served by the primary key.
update :"schema".chores
   set done_at = case when $2::double precision is null then :"schema".now() else done_at end,
       due_at = coalesce(least(due_at, :"schema".now() + $2::double precision * interval '1 millisecond'), due_at)
 where name = $1
