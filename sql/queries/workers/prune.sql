-- Forgets workers that ended more than a day ago.
delete from :"schema".workers
 where ended_at < clock_timestamp() - interval '1 day'
   and swept
