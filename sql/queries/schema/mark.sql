-- Remembers that the schema was made by Pawl, so that uninstalling may drop it.
comment on schema :"schema" is 'Made by Pawl'
