-- Forgets workers that ended more than a day ago.
delete from :"schema".workers
 where ended_at < :"schema".now() - interval '1 day'
   and swept
