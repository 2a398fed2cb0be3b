-- Workers of which claims are noted, and that have ended or are not known. Reads the claims of all workers, which are few.
select distinct claims.worker_id::text as id
  from :"schema".claims
  left join :"schema".workers on workers.id = claims.worker_id
 where workers.id is null
    or workers.ended_at is not null
