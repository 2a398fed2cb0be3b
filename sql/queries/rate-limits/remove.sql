-- Removes a rate limit that no live job needs, and says whether there is one still. Reads the live jobs: it is done by hand.
with gone as (
  delete from :"schema".rate_limits
   where key = $1
     and not exists (select from :"schema".jobs where jobs.rate_limit_key = $1)
  returning key
)
select exists (select from gone) as removed,
       exists (select from :"schema".rate_limits where rate_limits.key = $1) as existed
