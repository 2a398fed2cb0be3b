-- Bounds how long each statement may take, and keeps to the indexes whatever the statistics say, until the end of the transaction.
select set_config('statement_timeout', $1, true),
       set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true)
