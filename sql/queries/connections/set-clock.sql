-- Sets the time that decides about jobs, for this transaction only. Needs no index.
select set_config('pawl.clock', $1, true)
