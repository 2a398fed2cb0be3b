-- How many rows a partition has. Reads them all, of this partition alone.
select count(*)::double precision as rows
  from :"schema".:"partition"
