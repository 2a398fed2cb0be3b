-- Before the settle in a handler's transaction: see migrations/0010-transactional.sql.
select :"schema".seal_transaction($1)
