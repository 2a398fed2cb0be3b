-- What keeps the server from removing rows that have died, the oldest first: sessions of this database and senders of the
-- write-ahead log, prepared transactions, and replication slots; with the statement that gets rid of each. Not what a session
-- runs, which may show data. Reads the server's lists of them.
select held.kind, held.name, held.pid, held.role, held.state, held.held_ms as "heldMs", held.transactions,
       held.catalogs_only as "isCatalogsOnly", held.remedy
  from (
    select 'session' as kind, sessions.application_name as name, sessions.pid, sessions.usename::text as role,
           coalesce(sessions.state, sessions.backend_type) as state,
           (extract(epoch from clock_timestamp() - coalesce(sessions.xact_start, sessions.backend_start)) * 1000)
             ::double precision as held_ms,
           greatest(age(sessions.backend_xmin), age(sessions.backend_xid))::double precision as transactions,
           false as catalogs_only,
           format('select pg_terminate_backend(%s)', sessions.pid) as remedy
      from pg_catalog.pg_stat_activity as sessions
     where (sessions.backend_xmin is not null or sessions.backend_xid is not null)
       and sessions.pid <> pg_backend_pid()
       and (sessions.datname = current_database() or sessions.backend_type = 'walsender')
       and sessions.backend_type <> 'autovacuum worker'
       and sessions.query !~* '^\s*vacuum'
     union all
    select 'prepared', prepared.gid, null, prepared.owner::text, null,
           (extract(epoch from clock_timestamp() - prepared.prepared) * 1000)::double precision,
           age(prepared.transaction)::double precision,
           false,
           format('rollback prepared %L', prepared.gid)
      from pg_catalog.pg_prepared_xacts as prepared
     where prepared.database = current_database()
     union all
    select 'slot', slots.slot_name::text, slots.active_pid, null, case when slots.active then 'active' else 'inactive' end,
           (extract(epoch from clock_timestamp() - (to_jsonb(slots) ->> 'inactive_since')::timestamptz) * 1000)
             ::double precision,
           greatest(age(slots.xmin), age(slots.catalog_xmin))::double precision,
           slots.xmin is null,
           format('select pg_drop_replication_slot(%L)', slots.slot_name)
      from pg_catalog.pg_replication_slots as slots
     where (slots.xmin is not null or slots.catalog_xmin is not null)
       and (slots.database is null or slots.database = current_database())
  ) as held
 order by held.transactions desc
 limit $1::integer
