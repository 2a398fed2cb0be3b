-- Makes a rate limit or changes it: see migrations/0014-chores.sql. Served by the primary key.
select :"schema".register_rate_limit($1, $2::integer, $3::double precision, $4::boolean)
