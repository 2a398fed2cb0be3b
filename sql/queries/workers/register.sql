-- Makes a worker known. From here on its lease is judged by its heartbeat.
insert into :"schema".workers (
  id, name, host, pid, version, queues, tasks, concurrency, lease_ms, transaction_slots, transactional, forbidden_flags,
  machine, process_start)
values ($1::uuid, $2, $3, $4::integer, $5, ($6::text)::text[], ($7::text)::text[], $8::integer, $9::double precision,
  $10::integer, ($11::text)::text[], ($12::text)::text[],
  $13, $14::bigint)
