-- Removes a batch of concurrency keys that nothing needs: see migrations/0014-chores.sql. Served by the primary key.
select pruned, last_queue, last_key
  from :"schema".prune_concurrency_keys($1, $2, $3::integer)
