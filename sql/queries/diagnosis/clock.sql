-- What time it is by the server's own clock, also where a test has set another. Needs no index.
select (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::double precision as "nowMs"
