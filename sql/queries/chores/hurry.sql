-- Makes a chore due now. Served by the primary key.
update :"schema".chores
   set due_at = :"schema".now()
 where name = $1
   and due_at > :"schema".now()
