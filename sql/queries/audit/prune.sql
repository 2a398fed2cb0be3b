-- Removes what is older than $1 milliseconds.
delete from :"schema".audit
 where audit.at < :"schema".now() - $1::double precision * interval '1 millisecond'
