-- Forgets tasks that nothing needs: see migrations/0014-chores.sql.
select :"schema".prune_tasks($1::double precision) as pruned
