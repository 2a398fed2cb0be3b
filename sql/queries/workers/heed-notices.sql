-- Removes the notices that a worker has heeded. Served by the primary key.
delete from :"schema".notices
 where number = any (($1::text)::bigint[])
