-- The migrations this schema has had.
select version, breaking
from :"schema".migrations
order by version
