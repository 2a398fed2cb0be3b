-- Empties fixed windows that have passed: see migrations/0014-chores.sql.
select :"schema".refill_rate_limits() as refilled
