-- What brings the indexes of searchable payload paths up to date: see migrations/0019-search.sql. Reads the catalogs.
select steps.statement, steps.brief from :"schema".searchable_steps(($1::text)::text[], $2::json) as steps
