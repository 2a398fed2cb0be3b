-- Removes those that ended more than $1 milliseconds ago.
delete from :"schema".operations
 where operations.finished_at < :"schema".now() - $1::double precision * interval '1 millisecond'
