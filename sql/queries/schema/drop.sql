-- Drops the schema; without cascade, so that nothing of somebody else's goes with it.
drop schema :"schema"
