-- What server this is, and what the role may see of its sessions. Needs no index.
select current_setting('server_version_num')::integer as "versionNumber",
       current_setting('server_version') as version,
       current_user::text as role,
       format('grant pg_monitor to %I', current_user) as "grant",
       (select count(*)::integer
          from pg_catalog.pg_stat_activity as sessions
         where sessions.datname = current_database()
           and sessions.query = '<insufficient privilege>') as "hiddenSessions",
       current_setting('autovacuum') = 'on' and current_setting('track_counts') = 'on' as "isVacuuming"
