-- Makes a worker known that is not, as one that has ended, so that its jobs can be rescued without blame.
insert into :"schema".workers (
  id, ended_at, name, host, pid, version, queues, tasks, concurrency, lease_ms, transaction_slots, transactional)
values ($1::uuid, :"schema".now(), 'unknown', '', 0, '', '{}', '{}', 1, 0, 1, '{}')
    on conflict do nothing
