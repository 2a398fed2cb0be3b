-- Remembers an applied migration.
insert into :"schema".migrations (version, name, breaking, checksum, objects)
values ($1::integer, $2, $3::boolean, $4, $5::text[])
