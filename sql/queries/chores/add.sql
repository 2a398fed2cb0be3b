-- Makes chores known that are not yet, and due at once: workers of several versions may have different ones. Served by the
-- primary key.
insert into :"schema".chores (name)
select given.name
  from unnest(($1::text)::text[]) as given (name)
 where not exists (select from :"schema".chores where chores.name = given.name)
 order by given.name
    on conflict do nothing
returning set_config('synchronous_commit', 'off', true)
