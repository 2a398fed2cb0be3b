-- Ends a detaching that was interrupted.
alter table :"schema".history detach partition :"schema".:"partition" finalize
