-- How the newest attempts have ended: of those in the last $1 milliseconds, and of these at most $2. Served by history_finished, as
-- far as the time goes: it is known once, so it can bound the scan.
select newest.outcome, newest.final, count(*)::integer as count
  from (select history.outcome, history.final
          from :"schema".history
         where history.finished_at > (select :"schema".now() - $1::double precision * interval '1 millisecond')
         order by history.finished_at desc
         limit $2) as newest
 group by newest.outcome, newest.final
 order by newest.outcome, newest.final
