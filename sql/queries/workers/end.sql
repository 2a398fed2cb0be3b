-- Ends a worker that has stopped. Its row stays for a day, so that a late claim under its id is still found and returned.
update :"schema".workers
   set ended_at = :"schema".now(), idle = false
 where id = $1::uuid
   and ended_at is null
