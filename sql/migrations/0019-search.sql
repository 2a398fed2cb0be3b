-- What the dashboard asks: searches that end in time, counts that end in time, and what indexes of searchable payload paths are
-- made of.
-- breaking: no

-- How a number is written that is compared as a number: others, which nobody can mean, are compared as they are written.
create function :"schema".number_form() returns text
language sql
immutable
as $$
  select '^-?[0-9]{1,100}([.][0-9]{1,100})?([eE][-+]?[0-9]{1,3})?$'
$$;

-- What an index of a searchable path holds, as an expression on a row with a payload: the text there, where numbers that are
-- equal are the same text. It is cut, since an index takes no long texts: an insert would fail. Only what every server has built
-- in, so that the index depends on no function.
create function :"schema".searchable_expression(_path text[]) returns text
language sql
stable
as $$
  select format(
    'left(case when (payload #>> %1$L) ~ %2$L then trim_scale((payload #>> %1$L)::numeric)::text else payload #>> %1$L end, 200)',
    _path::text, :"schema".number_form())
$$;

-- What such an index holds for a text that is searched for.
create function :"schema".searchable_key(_text text) returns text
language sql
stable
as $$
  select left(case when _text ~ :"schema".number_form() then trim_scale(_text::numeric)::text else _text end, 200)
$$;

-- What the index of a searchable path is called, and how the names of all indexes of a task begin.
create function :"schema".searchable_name(_table text, _task text, _path text[]) returns text
language sql
stable
as $$
  select format('%s_searchable_%s_%s', _table, left(md5(_task), 12), coalesce(left(md5(_path::text), 12), ''))
$$;

-- Which rows such an index holds.
create function :"schema".searchable_rows(_table text, _task text) returns text
language sql
stable
as $$
  select format('task = %L', _task) || case when _table = 'history' then ' and payload is not null' else '' end
$$;

-- The statements, one after the other, that bring the indexes of searchable paths up to date. _tasks: of which tasks this is
-- said; what is not in _paths, a list of { task, path }, goes. Each is to be run outside a transaction, unless it is `brief`:
-- then it takes a lock that others wait for, and is to be run with a lock timeout. What is there afterwards says what is next,
-- so that an end in between does no harm.
create function :"schema".searchable_steps(_tasks text[], _paths json)
returns table (statement text, brief boolean)
language sql
stable
as $$
  with wanted as materialized (
    select named.table_name, named.task, named.path, named.name,
           format('%I.%I', :'schema', named.name) as full_name,
           format('(%s, %s) where %s', :"schema".searchable_expression(named.path),
             case named.table_name when 'jobs' then 'queue, id' else 'finished_at, id, attempt' end,
             :"schema".searchable_rows(named.table_name, named.task)) as definition
      from (
        select tables.name as table_name, declared.task, declared.path,
               :"schema".searchable_name(tables.name, declared.task, declared.path) as name
          from (values ('jobs'), ('history')) as tables (name)
         cross join (
           select declaration.value ->> 'task' as task,
                  array(select json_array_elements_text(declaration.value -> 'path')) as path
             from json_array_elements(_paths) as declaration (value)
         ) as declared
      ) as named
  ), tables as materialized (
    -- The partitions of the history, but for one that is being detached.
    select pg_class.oid, pg_class.relname as name,
           case when pg_class.relname in ('jobs', 'history') then pg_class.relname else 'history' end as kind,
           pg_class.relkind = 'p' as is_parent
      from pg_catalog.pg_class
      left join pg_catalog.pg_inherits on pg_inherits.inhrelid = pg_class.oid
     where pg_class.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = :'schema')
       and (pg_class.relname in ('jobs', 'history')
         or pg_inherits.inhparent = format('%I.history', :'schema')::regclass and not pg_inherits.inhdetachpending)
  ), made as materialized (
    select tables.oid as table_oid, tables.kind, tables.is_parent, indexes.oid, indexes.relname::text as name,
           format('%I.%I', :'schema', indexes.relname) as full_name,
           pg_index.indisvalid and pg_index.indisready as is_valid,
           parents.relname::text as parent
      from tables
      join pg_catalog.pg_index on pg_index.indrelid = tables.oid
      join pg_catalog.pg_class as indexes on indexes.oid = pg_index.indexrelid
      left join pg_catalog.pg_inherits on pg_inherits.inhrelid = indexes.oid
      left join pg_catalog.pg_class as parents on parents.oid = pg_inherits.inhparent
  ), undeclared as (
    -- What goes: of these tasks, and not declared any more.
    select made.full_name, made.is_parent
      from made
     where made.parent is null
       and made.name ~ '_searchable_[0-9a-f]{12}_[0-9a-f]{12}$'
       and exists (
         select from unnest(_tasks) as task where position(:"schema".searchable_name('', task, null) in made.name) > 0)
       and not exists (
         select from wanted where wanted.table_name = made.kind and right(wanted.name, 25) = right(made.name, 25))
  ), parts as (
    -- Where an index is to be, and is not yet in its place: on the jobs, on the history, and on each partition. One that was
    -- made together with its partition has another name.
    select wanted.table_name, wanted.full_name as parent_full_name, wanted.definition, tables.is_parent, tables.name as part,
           case when tables.name = wanted.table_name then wanted.name
                else tables.name || '_searchable_' || right(wanted.name, 25) end as name
      from wanted
      join tables on tables.kind = wanted.table_name
     where not exists (select from made where made.table_oid = tables.oid and made.parent = wanted.name)
  ), steps as (
    select 1 as place, undeclared.is_parent as brief,
           concat_ws(' ', 'drop index', case when not undeclared.is_parent then 'concurrently' end, undeclared.full_name) as text
      from undeclared
     union all
    select 2, false, concat_ws(' ', 'drop index concurrently', made.full_name)
      from parts
      join made on made.name = parts.name
     where not made.is_valid
       and not parts.is_parent
     union all
    select case when parts.part = 'jobs' then 3 when parts.is_parent then 4 else 5 end, parts.is_parent,
           concat_ws(' ', 'create index', case when not parts.is_parent then 'concurrently' end, quote_ident(parts.name), 'on',
             case when parts.is_parent then 'only' end, format('%I.%I', :'schema', parts.part), parts.definition)
      from parts
     where not exists (select from made where made.name = parts.name)
     union all
    select 6, true, concat_ws(' ', 'alter index', parts.parent_full_name, 'attach partition', made.full_name)
      from parts
      join made on made.name = parts.name
     where parts.part not in ('jobs', 'history')
       and made.is_valid
  )
  select steps.text, steps.brief from steps order by steps.place, steps.text
$$;

-- The terms of a search, a list of { path, text }, each with the name of a column for what a payload has at the path.
create function :"schema".search_terms(_terms json) returns table (name text, path text, text text)
language sql
stable
as $$
  select 'v' || term.place, array(select json_array_elements_text(term.value -> 'path'))::text, term.value ->> 'text'
    from json_array_elements(_terms) with ordinality as term (value, place)
$$;

-- The columns of these names, as text; _payload is how the payload is called.
create function :"schema".search_columns(_terms json, _payload text) returns text
language sql
stable
as $$
  select coalesce(string_agg(format(', %s #>> %L as %I', _payload, term.path, term.name), ''), '')
    from :"schema".search_terms(_terms) as term
$$;

-- That a row with these columns is what is searched for: a text, a number, true, false or null is compared as it is written,
-- and a number also as a number.
create function :"schema".search_condition(_terms json, _payload text) returns text
language sql
stable
as $$
  select coalesce(string_agg(format(' and (%s)', concat_ws(' or ',
           format('%I = %L', term.name, term.text)
             || case when term.text ~ '^[[{]' then format(' and %s not in (%L, %L)', term.kind, 'object', 'array') else '' end,
           -- Only a number with a point or an exponent is equal to another one that is written differently, but for zero.
           case when term.text ~ :"schema".number_form() then
             format('(%I = any (%L) or strpos(%1$I, %3$L) > 0 or strpos(lower(%1$I), %4$L) > 0)'
               ' and %5$s = %6$L and case when %1$I ~ %7$L then %1$I::numeric = %8$L::numeric end',
               term.name, case when term.text::numeric = 0 then array['0', '-0'] else array[trim_scale(term.text::numeric)::text] end,
               '.', 'e',
               term.kind, 'number', :"schema".number_form(), term.text::numeric)
           end,
           case when term.text = 'null' then format('%I is null and %s = %L', term.name, term.kind, 'null') end)), ''), '')
    from (
      select terms.name, terms.text, format('json_typeof(%s #> %L)', _payload, terms.path) as kind
        from :"schema".search_terms(_terms) as terms
    ) as term
$$;

-- That a row is in the part of a table that a searchable path leads to; null when no such path is searched for.
create function :"schema".searchable_part(_table text, _task text, _terms json) returns text
language sql
stable
as $$
  select format('%s and %s = %L', :"schema".searchable_rows(_table, _task),
           :"schema".searchable_expression(term.path::text[]), :"schema".searchable_key(term.text))
    from :"schema".search_terms(_terms) as term
   where term.text <> 'null'
     and exists (
       select
         from pg_catalog.pg_index
        where pg_index.indexrelid =
                to_regclass(format('%I.%I', :'schema', :"schema".searchable_name(_table, _task, term.path::text[])))
          and pg_index.indisvalid)
   order by term.name
   limit 1
$$;

-- Whether a payload can be read: JSON may have escapes in it that are no text.
create function :"schema".is_readable(_payload json) returns boolean
language plpgsql
immutable
as $$
begin
  perform _payload #>> '{a}';
  return true;
exception when data_exception then
  return false;
end
$$;

-- How a search calls the payload when there is one that cannot be read.
create function :"schema".readable_payload() returns text
language sql
immutable
as $$
  select format('(case when %I.is_readable(payload) then payload end)', :'schema')
$$;

-- How many rows to look at next, so that a search ends in time: fewer when the last ones took long. Never so many that rows which
-- nobody has read before, and which take far longer, would be too many.
create function :"schema".next_batch(_batch integer, _took interval, _left interval) returns integer
language sql
immutable
as $$
  select greatest(100, least(4000, _batch * 4,
    (_batch * extract(epoch from _left) / greatest(extract(epoch from _took), 0.0001) / 3)::integer))
$$;

-- Where the jobs in a state are, when they are few: a list of the parts that a query has from its "from" on, in the order of the
-- index that serves it, with {} in place of further conditions; $1 is the queue. Null when there are more than _up_to.
create function :"schema".few_jobs(_state text, _of_queue text, _up_to integer) returns text[]
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  _source text;
  _sources text[] := case _state
    when 'running' then array[
      'from :"schema".held_jobs(null) as held cross join lateral (
         select * from :"schema".jobs as own where own.queue = held.queue and own.id = held.id offset 0
       ) as jobs where true{}']
    when 'scheduled' then array[
      'from :"schema".jobs where jobs.indexed_as = ''scheduled''{} order by jobs.queue, jobs.run_at, jobs.id']
    when 'blocked' then array[
      'from :"schema".jobs where jobs.indexed_as = ''blocked''{}
        order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order']
    when 'ready' then array[
      'from :"schema".jobs where jobs.indexed_as = ''ready'' and jobs.rate_limit_key is null{}
        order by jobs.queue, jobs.priority, jobs.run_at, jobs.id',
      'from :"schema".jobs where jobs.indexed_as = ''ready'' and jobs.rate_limit_key is not null{}
        order by jobs.queue, jobs.rate_limit_key, jobs.priority, jobs.run_at, jobs.id']
  end;
  _places text[] := '{}';
  _count bigint := 0;
begin
  foreach _source in array coalesce(_sources, '{}') loop
    if _of_queue is not null then
      _source := replace(_source, '{}', ' and jobs.queue = $1{}');
    end if;
    _places := _places || _source;
    execute format('select $3 + count(*) from (select %s limit $2) as counted', replace(_source, '{}', ''))
      into _count using _of_queue, _up_to + 1, _count;
  end loop;
  if _sources is not null and _count <= _up_to then
    return _places;
  end if;
  return null;
end
$$;

-- Looks for live jobs among few: see above and below.
create function :"schema".search_few_jobs(
  _sources text[], _filters text, _of_queue text, _terms json, _after_queue text, _after_id uuid, _limit integer, _examined integer
) returns table (is_found boolean, is_end boolean, is_cut boolean, examined integer, queue text, id uuid)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_variable
declare
  _payload text := 'payload';
  _source text;
  _parts text[];
  _seen integer;
  _queues text[];
  _ids uuid[];
begin
  loop
    _parts := '{}';
    foreach _source in array _sources loop
      _parts := _parts || format('(select jobs.queue, jobs.id, jobs.payload%s %s offset 0)',
        :"schema".search_columns(_terms, _payload),
        replace(_source, '{}', _filters || ' and (jobs.queue, jobs.id) > ($2, $3)'));
    end loop;
    begin
      execute format(
        'with walked as materialized (select listed.queue, listed.id, true%s as matches from (%s) as listed)'
        ' select (select count(*) from walked), array_agg(found.queue order by found.queue, found.id),'
        ' array_agg(found.id order by found.queue, found.id)'
        ' from (select walked.queue, walked.id from walked where walked.matches order by walked.queue, walked.id limit $4) as found',
        :"schema".search_condition(_terms, _payload), array_to_string(_parts, ' union all '))
        into _seen, _queues, _ids using _of_queue, _after_queue, _after_id, _limit;
      exit;
    exception when data_exception then
      if _payload <> 'payload' then
        raise;
      end if;
      _payload := :"schema".readable_payload();
    end;
  end loop;
  is_found := true;
  is_cut := false;
  for _place in 1 .. coalesce(cardinality(_ids), 0) loop
    queue := _queues[_place];
    id := _ids[_place];
    return next;
  end loop;
  is_found := false;
  is_end := coalesce(cardinality(_ids), 0) < _limit;
  examined := _examined + _seen;
  return next;
end
$$;

-- Looks for live jobs in the order of queues and ids, from just after a position and for _budget_ms: at most _limit. What is null
-- does not matter. The last row is not found: it says whether that was the end, whether time ran out, and where to go on.
--
-- It walks along the primary key, whose columns never change, so that a job which is there all the time is met once. In steps,
-- each over rows up to a place that was looked up first, so that time can be looked at in between. There are two shorter ways:
-- along the index of a searchable path, and, when the first step finds too little and there are few jobs in a state, over these.
create function :"schema".search_jobs(
  _state text, _of_queue text, _task text, _correlation_id text, _concurrency_key text, _terms json,
  _after_queue text, _after_id uuid, _limit integer, _budget_ms double precision
) returns table (is_found boolean, is_end boolean, is_cut boolean, examined integer, queue text, id uuid)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_variable
declare
  _deadline timestamptz := clock_timestamp() + _budget_ms * interval '1 millisecond';
  _step_at timestamptz;
  _step_queue text;
  _step_from uuid;
  _count integer;
  _filters text := concat(
    case _state
      when 'running' then ' and jobs.worker_id is not null'
      when 'scheduled' then ' and jobs.indexed_as = ''scheduled'' and jobs.worker_id is null'
      when 'blocked' then ' and jobs.indexed_as = ''blocked'' and jobs.worker_id is null'
      when 'ready' then ' and jobs.indexed_as = ''ready'' and jobs.worker_id is null'
    end,
    case when _task is not null then format(' and jobs.task = %L', _task) end,
    case when _correlation_id is not null then format(' and jobs.correlation_id = %L', _correlation_id) end,
    case when _concurrency_key is not null then format(' and jobs.concurrency_key = %L', _concurrency_key) end);
  _part text := coalesce(:"schema".searchable_part('jobs', _task, _terms), 'true');
  _few text[];
  _is_counted boolean := false;
  _payload text := 'payload';
  _batch integer := case when _terms is null then 1000 else 100 end;
  _first uuid := '00000000-0000-0000-0000-000000000000';
  _last uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  _in_queue text := coalesce(_of_queue, _after_queue);
  _from uuid := case when _in_queue = _after_queue then _after_id else _first end;
  _to uuid;
  _left integer := _limit;
  _seen integer := 0;
  _found uuid;
begin
  is_found := true;
  is_end := _of_queue is not null and _after_queue collate "C" > _of_queue;
  is_cut := false;
  while not is_end and _left > 0 and not is_cut loop
    _step_at := clock_timestamp();
    _step_queue := _in_queue;
    _step_from := _from;
    execute format(
      'select jobs.id from %I.jobs where %s and jobs.queue = $1 and jobs.id > $2 order by jobs.queue, jobs.id offset $3 limit 1',
      :'schema', _part)
      into _to using _in_queue, _from, _batch - 1;
    begin
      for _found in execute format(
        'select walked.id from (select jobs.queue, jobs.id, jobs.payload%s from %I.jobs'
        ' where %s and jobs.queue = $1 and jobs.id > $2 and jobs.id <= $3%s order by jobs.queue, jobs.id offset 0) as walked'
        ' where true%s order by walked.queue, walked.id limit $4',
        :"schema".search_columns(_terms, _payload), :'schema', _part, _filters, :"schema".search_condition(_terms, _payload))
        using _in_queue, _from, coalesce(_to, _last), _left
      loop
        queue := _in_queue;
        id := _found;
        return next;
        _left := _left - 1;
        _from := _found;
      end loop;
      if _left = 0 then
        _to := _from;
      end if;
    exception when data_exception then
      -- What was found before is not found again. From here on each payload is tried first.
      if _payload <> 'payload' then
        raise;
      end if;
      _payload := :"schema".readable_payload();
      continue;
    end;
    execute format('select count(*) from %I.jobs where %s and jobs.queue = $1 and jobs.id > $2 and jobs.id <= $3', :'schema', _part)
      into _count using _in_queue, _step_from, coalesce(_to, _last);
    _seen := _seen + _count;
    _from := _to;
    if _to is null then
      is_end := _of_queue is not null;
      if not is_end then
        execute format('select jobs.queue from %I.jobs where jobs.queue > $1%s limit 1', :'schema', case _state
          when 'scheduled' then ' and jobs.indexed_as = ''scheduled'' order by jobs.queue, jobs.run_at, jobs.id'
          when 'blocked' then ' and jobs.indexed_as = ''blocked''
            order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order'
          else ' order by jobs.queue, jobs.id'
        end)
          into _in_queue using _in_queue;
        is_end := _in_queue is null;
        _from := _first;
      end if;
    end if;
    if not is_end and _left > 0 and _seen > 0 and _part = 'true' and not _is_counted then
      -- The first step was not enough: is there less to look at?
      _is_counted := true;
      -- Of few rows with long payloads, one look may take as long as that of many without.
      _few := :"schema".few_jobs(_state, _of_queue, case when _terms is null then 20000 else 2000 end);
      if _few is not null then
        return query execute format('select * from %I.search_few_jobs($1, $2, $3, $4, $5, $6, $7, $8)', :'schema')
          using _few, _filters, _of_queue, _terms, _in_queue, _from, _left, _seen;
        return;
      end if;
    end if;
    -- Before the first queue there is nothing to look at.
    is_cut := not is_end and _left > 0 and _step_queue <> '' and clock_timestamp() >= _deadline;
    _batch := :"schema".next_batch(_batch, clock_timestamp() - _step_at, _deadline - clock_timestamp());
  end loop;
  is_found := false;
  examined := _seen;
  queue := _in_queue;
  id := _from;
  return next;
end
$$;

-- Looks into the history, the newest first, in the same way; along history_finished, or along the index of a searchable path.
create function :"schema".search_history(
  _outcome text, _final boolean, _of_queue text, _task text, _correlation_id text, _from timestamptz, _to timestamptz, _terms json,
  _after_finished_at timestamptz, _after_id uuid, _after_attempt integer, _after_queue text, _limit integer,
  _budget_ms double precision
) returns table (
  is_found boolean, is_end boolean, is_cut boolean, examined integer,
  queue text, id uuid, attempt integer, finished_at timestamptz, expires_at timestamptz)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_variable
declare
  _deadline timestamptz := clock_timestamp() + _budget_ms * interval '1 millisecond';
  _step_at timestamptz;
  _filters text := concat(
    case when _outcome is not null then format(' and history.outcome = %L', _outcome) end,
    case when _final is not null then format(' and history.final = %L', _final) end,
    case when _of_queue is not null then format(' and history.queue = %L', _of_queue) end,
    case when _task is not null then format(' and history.task = %L', _task) end,
    case when _correlation_id is not null then format(' and history.correlation_id = %L', _correlation_id) end,
    case when _terms is not null then ' and history.payload is not null' end);
  _part text := concat(
    format('history.finished_at >= %1$L and history.finished_at < %2$L and history.expires_at >= %1$L', _from, _to),
    ' and ' || :"schema".searchable_part('history', _task, _terms));
  _order text := 'history.finished_at desc, history.id desc, history.attempt desc, history.queue desc';
  -- With the first column apart as well: else a scan may begin at _from or _to, and pass over all that is in between.
  _after text := 'history.finished_at <= $1'
    ' and (history.finished_at, history.id, history.attempt, history.queue) < ($1, $2, $3, $4)';
  _until text := 'history.finished_at >= $5'
    ' and (history.finished_at, history.id, history.attempt, history.queue) >= ($5, $6, $7, $8)';
  _payload text := 'payload';
  _batch integer := case when _terms is null then 1000 else 100 end;
  _left integer := _limit;
  _seen integer := 0;
  _count integer;
  _step_from record;
  _first record;
  _last record;
  _found record;
begin
  select _after_finished_at as finished_at, _after_id as id, _after_attempt as attempt, _after_queue as queue into _first;
  is_end := false;
  is_cut := false;
  while not is_end and _left > 0 and not is_cut loop
    _step_at := clock_timestamp();
    _step_from := _first;
    execute format(
      'select history.finished_at, history.id, history.attempt, history.queue from %I.history where %s and %s order by %s'
      ' offset $5 limit 1', :'schema', _part, _after, _order)
      into _last using _first.finished_at, _first.id, _first.attempt, _first.queue, _batch - 1;
    is_end := _last.id is null;
    if is_end then
      select '-infinity'::timestamptz as finished_at, '00000000-0000-0000-0000-000000000000'::uuid as id, 0 as attempt, '' as queue
        into _last;
    end if;
    begin
      for _found in execute format(
        'select walked.queue, walked.id, walked.attempt, walked.finished_at, walked.expires_at'
        ' from (select history.queue, history.id, history.attempt, history.finished_at, history.expires_at, history.payload%s'
        ' from %I.history where %s and %s and %s%s order by %s offset 0) as walked where true%s'
        ' order by walked.finished_at desc, walked.id desc, walked.attempt desc, walked.queue desc limit $9',
        :"schema".search_columns(_terms, _payload), :'schema', _part, _after, _until, _filters, _order,
        :"schema".search_condition(_terms, _payload))
        using _first.finished_at, _first.id, _first.attempt, _first.queue,
          _last.finished_at, _last.id, _last.attempt, _last.queue, _left
      loop
        is_found := true;
        queue := _found.queue;
        id := _found.id;
        attempt := _found.attempt;
        finished_at := _found.finished_at;
        expires_at := _found.expires_at;
        return next;
        _left := _left - 1;
        _first := _found;
      end loop;
    exception when data_exception then
      if _payload <> 'payload' then
        raise;
      end if;
      _payload := :"schema".readable_payload();
      is_end := false;
      continue;
    end;
    if _left > 0 then
      _first := _last;
    else
      is_end := false;
    end if;
    execute format('select count(*) from %I.history where %s and %s and %s', :'schema', _part, _after, _until)
      into _count using _step_from.finished_at, _step_from.id, _step_from.attempt, _step_from.queue,
        _first.finished_at, _first.id, _first.attempt, _first.queue;
    _seen := _seen + _count;
    is_cut := not is_end and _left > 0 and clock_timestamp() >= _deadline;
    _batch := :"schema".next_batch(_batch, clock_timestamp() - _step_at, _deadline - clock_timestamp());
  end loop;
  is_found := false;
  examined := _seen;
  queue := _first.queue;
  id := _first.id;
  attempt := _first.attempt;
  finished_at := _first.finished_at;
  expires_at := null;
  return next;
end
$$;

-- What waits in each queue that has jobs or is paused, the first thousand by name: counted up to _up_to in each state, and up to
-- fewer when that would take longer than _budget_ms; up_to says how far. Runs along the indexes of the states.
create function :"schema".measure_queues(_up_to integer, _budget_ms double precision)
returns table (
  name text, paused boolean, up_to integer, scheduled integer, ready integer, blocked integer, running integer,
  oldest_ready_ms double precision)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
#variable_conflict use_column
declare
  _started_at timestamptz := clock_timestamp();
  _names text[];
  _spent double precision;
  _oldest timestamptz;
  _more integer;
  _oldest_more timestamptz;
  _held jsonb;
begin
  select array_agg(known.name) into _names
    from (
      select queues.name from :"schema".queues where queues.paused
      union
      (select live.queue from :"schema".live_queues() as live limit 1000)
    ) as known;
  select jsonb_object_agg(held.queue, held.count) into _held
    from (
      select taken.queue, count(*) as count from :"schema".held_jobs(null) as taken group by taken.queue
    ) as held;
  up_to := _up_to;
  foreach name in array coalesce(_names, '{}') loop
    _spent := extract(epoch from clock_timestamp() - _started_at) * 1000 / _budget_ms;
    up_to := least(up_to, case when _spent < 0.5 then _up_to when _spent < 0.8 then 1000 when _spent < 1 then 100 else 10 end);
    paused := coalesce((select queues.paused from :"schema".queues where queues.name = measure_queues.name), false);
    select count(*), min(counted.run_at) into ready, _oldest
      from (
        select jobs.run_at
          from :"schema".jobs
         where jobs.queue = measure_queues.name
           and jobs.indexed_as = 'ready'
           and jobs.rate_limit_key is null
           and jobs.worker_id is null
         order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
         limit measure_queues.up_to
      ) as counted;
    select count(*), min(counted.run_at) into _more, _oldest_more
      from (
        select jobs.run_at
          from :"schema".jobs
         where jobs.queue = measure_queues.name
           and jobs.indexed_as = 'ready'
           and jobs.rate_limit_key is not null
           and jobs.worker_id is null
         order by jobs.queue, jobs.rate_limit_key, jobs.priority, jobs.run_at, jobs.id
         limit measure_queues.up_to
      ) as counted;
    select count(*) into scheduled
      from (
        select
          from :"schema".jobs
         where jobs.queue = measure_queues.name
           and jobs.indexed_as = 'scheduled'
         order by jobs.queue, jobs.run_at, jobs.id
         limit measure_queues.up_to
      ) as counted;
    select count(*) into blocked
      from (
        select
          from :"schema".jobs
         where jobs.queue = measure_queues.name
           and jobs.indexed_as = 'blocked'
         order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order
         limit measure_queues.up_to
      ) as counted;
    ready := least(ready + _more, up_to);
    running := coalesce((_held ->> name)::integer, 0);
    oldest_ready_ms := greatest(0, extract(epoch from :"schema".now() - least(_oldest, _oldest_more)) * 1000);
    if _oldest is null and _oldest_more is null then
      oldest_ready_ms := null;
    end if;
    return next;
  end loop;
end
$$;

-- A page of concurrency keys, by queue and key, with how many of their jobs run, and how many wait: up to _up_to, and up to fewer
-- when that would take longer than _budget_ms. Served by the primary key, jobs_lanes and jobs_blocked.
create function :"schema".measure_concurrency_keys(
  _of_queue text, _after_queue text, _after_key text, _limit integer, _up_to integer, _budget_ms double precision
) returns table (queue text, key text, "limit" integer, up_to integer, running integer, waiting integer)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
#variable_conflict use_column
declare
  _started_at timestamptz := clock_timestamp();
  _known record;
  _spent double precision;
  _most integer;
begin
  for _known in
    select known.queue, known.key, known.max_running
      from :"schema".concurrency_keys as known
     where (_of_queue is null or known.queue = _of_queue)
       and (known.queue, known.key) > (_after_queue, _after_key)
     order by known.queue, known.key
     limit _limit
  loop
    _spent := extract(epoch from clock_timestamp() - _started_at) * 1000 / _budget_ms;
    _most := case when _spent < 0.5 then _up_to when _spent < 0.8 then 1000 when _spent < 1 then 100 else 10 end;
    queue := _known.queue;
    key := _known.key;
    "limit" := _known.max_running;
    up_to := _most;
    select count(*) filter (where taken.state = 'running'), count(*) filter (where taken.state <> 'running')
      into running, waiting
      from (
        select jobs.state
          from :"schema".jobs
         where jobs.queue = _known.queue
           and jobs.concurrency_key = _known.key
           and jobs.concurrency_lane is not null
         limit _most
      ) as taken;
    waiting := waiting + (
      select count(*)
        from (
          select
            from :"schema".jobs
           where jobs.queue = _known.queue
             and jobs.concurrency_key = _known.key
             and jobs.indexed_as = 'blocked'
           limit _most
        ) as blocked);
    return next;
  end loop;
end
$$;
