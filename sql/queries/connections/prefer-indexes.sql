-- Keeps the planner on the indexes that were made for a statement, whatever the statistics say, until the end of the
-- transaction. Needs no index.
select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
