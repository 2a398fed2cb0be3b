-- Forgets every migration; last of all, so that a failed uninstall can run again.
drop table :"schema".migrations
