-- What the migrations of this schema have made.
select unnest(objects) as object
from :"schema".migrations
