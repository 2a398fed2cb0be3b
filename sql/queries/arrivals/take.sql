-- Reads arrivals of a queue, admits what they announce, and claims of it: see migrations/0011-admission.sql. Served by
-- arrivals_of_queue.
select *
  from :"schema".take_arrivals(
    $1, $2::bigint, $3::integer, $4::integer, $5::uuid, $6::bigint, $7::integer, ($8::text)::text[], ($9::text)::text[],
    ($10::text)::text[])
