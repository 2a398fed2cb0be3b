-- What a transactional handler's transaction goes through before its job is settled in it.
-- breaking: no

-- Checks deferred constraints now, while a failure can still be recorded, and that this is the transaction in which the
-- job's row was locked: a handler may have ended it, and the settle would then stand alone.
create function :"schema".seal_transaction(_xid text) returns void
language plpgsql
as $$
begin
  if pg_current_xact_id_if_assigned()::text is distinct from _xid then
    raise exception 'the handler ended its transaction; it commits or rolls back with the job, so leave that to Pawl'
      using errcode = 'invalid_transaction_state';
  end if;
  set constraints all immediate;
end
$$;
