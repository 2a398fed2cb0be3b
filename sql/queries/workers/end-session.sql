-- Ends the session of a transactional handler of this worker whose connection is dead: the one with this transaction.
select :"schema".end_worker_sessions($1::uuid, $2)
