-- Gives up a transaction of Pawl's own.
rollback
