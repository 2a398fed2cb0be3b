-- Bounds the time of each statement that follows, until the end of the transaction; "0" is without a bound. Needs no index.
select set_config('statement_timeout', $1, true)
