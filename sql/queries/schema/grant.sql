-- Gives a role what it needs to run Pawl: see migrations/0016-roles.sql.
select :"schema".grant_to($1)
