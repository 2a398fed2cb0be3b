-- Claims a job again whose transaction is gone, to record what became of the attempt in it; no row when others have claimed it
-- or changed it since. Served by the primary key.
update :"schema".jobs
   set indexed_as = 'running', worker_id = $3::uuid, claim_number = $4::bigint, claimed_at = :"schema".now(), attempt = attempt + 1
 where queue = $1
   and id = $2::uuid
   and state = 'ready'
   and attempt = $5::integer - 1
returning id::text
