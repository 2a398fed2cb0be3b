-- Rights for a role that runs Pawl and does not own it.
-- breaking: no

-- Lets a role enqueue, run workers and do what people do by hand, and nothing that changes the tables or functions: but for
-- the history, whose partitions workers make and drop, and which the role therefore comes to own. Who migrates has to be
-- allowed to act as the role.
create function :"schema".grant_to(_role text) returns void
language plpgsql
as $$
declare
  _table regclass;
begin
  execute format('grant usage, create on schema %I to %I', :'schema', _role);
  execute format('grant select, insert, update, delete on all tables in schema %I to %I', :'schema', _role);
  execute format('grant usage, select, update on all sequences in schema %I to %I', :'schema', _role);
  execute format('grant execute on all functions in schema %I to %I', :'schema', _role);
  -- The role must not forget that it has migrated, nor what.
  execute format('revoke insert, update, delete on %I.migrations from %I', :'schema', _role);
  for _table in
    select relid from pg_partition_tree(format('%I.history', :'schema')::regclass)
  loop
    execute format('alter table %s owner to %I', _table, _role);
  end loop;
end
$$;
