-- Makes the schema; only when there is none, since looking first needs no right to make schemas.
create schema :"schema"
