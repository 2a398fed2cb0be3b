-- Reads arrivals of a queue and admits what they announce: see migrations/0011-admission.sql. Served by arrivals_of_queue.
select taken, admitted, horizon::text
  from :"schema".take_arrivals($1, $2::bigint, $3::integer, 0, null, null, null, null, null)
