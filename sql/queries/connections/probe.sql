-- Proves that a listening session is alive and still subscribed: a pooler between may have given it another backend.
select
  exists (
    select
    from pg_catalog.pg_listening_channels() as listening (channel)
    where listening.channel = $1
  ) as listening
