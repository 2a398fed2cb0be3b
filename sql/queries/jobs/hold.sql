-- Holds the row of a job for its transactional handler: see migrations/0010-transactional.sql. Served by the primary key.
select xid, pid from :"schema".hold_job($1, $2::uuid, $3::uuid, $4::bigint, $5)
