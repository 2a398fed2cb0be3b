-- The present, exactly.
select to_char(:"schema".now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') as now
