-- Removes a batch of rows of queues about which there is nothing to say: see migrations/0014-chores.sql. Served by the
-- primary key.
select pruned, last_queue
  from :"schema".prune_queue_rows($1, $2::integer)
