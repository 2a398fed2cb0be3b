-- Ends a transaction of Pawl's own.
commit
