-- Detaches a partition without a lock that settles would wait for. It waits for every transaction that has used the history.
alter table :"schema".history detach partition :"schema".:"partition" concurrently
