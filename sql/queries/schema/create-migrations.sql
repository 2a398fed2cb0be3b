-- One row for each applied migration; `objects` is what it made, and with it those that were applied just before, which is what
-- uninstalling drops.
create table :"schema".migrations (
  version integer primary key,
  name text not null,
  breaking boolean not null,
  checksum text not null,
  objects text[] not null,
  applied_at timestamptz not null default clock_timestamp()
)
