-- Drops a table that is no partition any more.
drop table if exists :"schema".:"partition"
