-- Search: walks over the live jobs and over the history that end by themselves, when they have found enough or when their time
-- is over. They go by what never changes of a row, so that a row which is there during the whole walk is met once.
-- breaking: no

-- What the index of a searchable path is called: see searchable in src/core/searchable.ts.
create function :"schema".search_index_name(_table text, _task text, _path text[]) returns text
language sql
immutable
as $$
  select _table || '_search_' || left(md5(_task), 12) || '_' || left(md5(_path::text), 12)
$$;

-- Whether a path of a task's payload has an index on a table that can be used.
create function :"schema".has_search_index(_table text, _task text, _path text[]) returns boolean
language sql
stable
as $$
  select exists (
    select
      from pg_catalog.pg_index
     where pg_index.indexrelid = to_regclass(format('%I.%I', :'schema', :"schema".search_index_name(_table, _task, _path)))
       and pg_index.indisvalid)
$$;

-- What a term asks of a JSON value, as a condition on a column. Numbers longer than this are compared as they are written:
-- a numeric does not hold every number that JSON can write.
create function :"schema".search_condition(_column text, _value text, _is_string boolean) returns text
language sql
immutable
as $$
  select case
    when _is_string then
      format('(json_typeof(%1$s) = ''string'' and %1$s #>> ''{}'' = %2$L)', _column, _value)
    when _value = 'null' then
      format('(json_typeof(%1$s) = ''null'' or (json_typeof(%1$s) = ''string'' and %1$s #>> ''{}'' = ''null''))', _column)
    when _value ~ number.form then
      format('case json_typeof(%1$s)'
          || ' when ''number'' then'
          || ' case when %1$s #>> ''{}'' ~ %3$L then (%1$s #>> ''{}'')::numeric = %2$L::numeric else false end'
          || ' when ''string'' then %1$s #>> ''{}'' = %2$L'
          || ' else false end', _column, _value, number.form)
    else
      format('(json_typeof(%1$s) in (''string'', ''number'', ''boolean'') and %1$s #>> ''{}'' = %2$L)', _column, _value)
  end
    from (select '^-?(0|[1-9][0-9]{0,99})([.][0-9]{1,100})?([eE][+-]?[0-9]{1,3})?$' as form) as number
$$;

-- The texts of JSON values that an index is asked for: the value as it was written, and the same number as JavaScript writes it.
create function :"schema".search_forms(_terms json, _place integer) returns text[]
language sql
immutable
as $$
  select array(
    select distinct form.text
      from (values (_terms -> _place ->> 'value'), (_terms -> _place ->> 'number')) as form (text)
     where form.text is not null)
$$;

-- The place, from 0, of the first term that an index of the table serves; null when none does. An index has neither the JSON
-- null nor what is absent.
create function :"schema".search_index_place(_table text, _task text, _terms json) returns integer
language sql
stable
as $$
  select min(term.place)::integer - 1
    from json_array_elements(_terms) with ordinality as term (term, place)
   where _task is not null
     and (term.term ->> 'value' <> 'null' or (term.term ->> 'isString')::boolean)
     and :"schema".has_search_index(_table, _task, array(select json_array_elements_text(term.term -> 'path')))
$$;

-- The statement that looks at one step of a walk: _source gives its rows in order, of which _position names the columns that say
-- where each stands. It answers with how many rows there were, where the last one stands, the places of those that match, and
-- where they stand. What the columns say is looked at first: only then is a payload read.
create function :"schema".search_step(_source text, _position text[], _columns text, _terms json) returns text
language sql
immutable
as $$
  select format(
    'select count(*)::integer as count, array_agg(step.place) filter (where step.matches) as places, %1$s, %2$s'
    ' from (select %3$s, looked.place, coalesce(looked.fits and %4$s, false) as matches'
    ' from (select %5$s, row_number() over () as place, fitted.fits%6$s'
    ' from (select source.*, (%7$s) as fits from (%8$s) as source offset 0) as fitted offset 0) as looked offset 0) as step',
    (select string_agg(format('(array_agg(step.%1$I))[count(*)::integer] as last_%1$s', name), ', ') from unnest(_position) as name),
    (select string_agg(format('array_agg(step.%1$I) filter (where step.matches) as %1$s_list', name), ', ')
       from unnest(_position) as name),
    (select string_agg(format('looked.%I', name), ', ') from unnest(_position) as name),
    coalesce((
      select string_agg(:"schema".search_condition('looked.term_' || place, term ->> 'value', (term ->> 'isString')::boolean), ' and ')
        from json_array_elements(_terms) with ordinality as terms (term, place)), 'true'),
    (select string_agg(format('fitted.%I', name), ', ') from unnest(_position) as name),
    coalesce((
      select string_agg(format(', case when fitted.fits then fitted.payload #> %L end as term_%s',
               array(select json_array_elements_text(term -> 'path')), place), '' order by place)
        from json_array_elements(_terms) with ordinality as terms (term, place)), ''),
    _columns,
    _source)
$$;

-- How many rows the next step looks at, when one of _size took so long: steps of about 20 ms, so that the end of the time is
-- met closely, and the first ones small, because nobody knows how large payloads are.
create function :"schema".search_step_size(_size integer, _took interval, _left interval) returns integer
language sql
immutable
as $$
  select greatest(1, least(5000, floor(_size * least(4, 
    least(20, extract(epoch from _left) * 1000) / greatest(extract(epoch from _took) * 1000, 0.1)))))::integer
$$;

-- The few live jobs of a state, in order, by the index of the state: so that they are not looked for among all. Null when there
-- are more than _most of them.
create function :"schema".search_candidates(
  _state text, _queue text, _concurrency_key text, _most integer,
  out queues text[], out ids uuid[]
)
language plpgsql
stable
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  _named text := case when _queue is null then format('%I.live_queues()', :'schema') else format('(select %L::text)', _queue) end;
  _source text;
begin
  if _state = 'running' then
    if (select coalesce(sum(cardinality(claims.ids)), 0) from :"schema".claims) > _most then
      return;
    end if;
    select array_agg(held.queue order by held.queue collate "C", held.id), array_agg(held.id order by held.queue collate "C", held.id)
      into queues, ids
      from :"schema".held_jobs(null) as held
     where _queue is null or held.queue = _queue;
    queues := coalesce(queues, '{}');
    ids := coalesce(ids, '{}');
    return;
  end if;
  _source := case _state
    when 'scheduled' then
      'select jobs.id from %1$I.jobs where jobs.queue = live.queue and jobs.indexed_as = ''scheduled'''
      ' order by jobs.queue, jobs.run_at, jobs.id limit %2$s'
    when 'blocked' then
      'select jobs.id from %1$I.jobs where jobs.queue = live.queue and jobs.indexed_as = ''blocked'''
      ' and (%3$L is null or jobs.concurrency_key = %3$L)'
      ' order by jobs.queue, jobs.concurrency_key, jobs.priority, jobs.concurrency_order limit %2$s'
    else
      '(select jobs.id from %1$I.jobs where jobs.queue = live.queue and jobs.indexed_as = ''ready'''
      ' and jobs.rate_limit_key is null order by jobs.queue, jobs.priority, jobs.run_at, jobs.id limit %2$s)'
      ' union all'
      ' (select jobs.id from %1$I.jobs where jobs.queue = live.queue and jobs.indexed_as = ''ready'''
      ' and jobs.rate_limit_key is not null'
      ' order by jobs.queue, jobs.rate_limit_key, jobs.priority, jobs.run_at, jobs.id limit %2$s)'
  end;
  execute format('with found as materialized (select live.queue, few.id from %4$s as live (queue) cross join lateral ('
      || _source || ') as few limit %2$s)'
      || ' select array_agg(found.queue order by found.queue collate "C", found.id),'
      || ' array_agg(found.id order by found.queue collate "C", found.id) from found',
      :'schema', _most + 1, _concurrency_key, _named)
    into queues, ids;
  queues := coalesce(queues, '{}');
  ids := coalesce(ids, '{}');
  if cardinality(ids) > _most then
    queues := null;
    ids := null;
  end if;
end
$$;

-- Finds live jobs, by queue and id, from just after a position (null: from the start), until there are _limit or _budget_ms are
-- over. What is null does not matter; _terms is an array of { path, value, isString, number }. Goes by the index of a searchable
-- path, or else through the few jobs of a state, or else through the primary key. A payload that PostgreSQL cannot read is none
-- that matches.
create function :"schema".search_jobs(
  _queue text, _task text, _state text, _correlation_id text, _concurrency_key text, _terms json,
  _after_queue text, _after_id uuid, _limit integer, _budget_ms double precision,
  out queues text[], out ids uuid[], out next_queue text, out next_id uuid, out is_cut boolean, out examined integer
)
language plpgsql
stable
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  _ends_at timestamptz := clock_timestamp() + _budget_ms * interval '1 millisecond';
  _begun_at timestamptz;
  _size integer := case when json_array_length(_terms) = 0 then _limit + 1 else 20 end;
  _index_place integer := :"schema".search_index_place('jobs', _task, _terms);
  _few_queues text[];
  _few_ids uuid[];
  _source text;
  _step text;
  _seen record;
  _matches integer;
  _room integer;
begin
  queues := '{}';
  ids := '{}';
  is_cut := false;
  examined := 0;
  next_queue := coalesce(_after_queue, '');
  next_id := coalesce(_after_id, '00000000-0000-0000-0000-000000000000');
  if next_queue collate "C" < _queue then
    next_queue := _queue;
    next_id := '00000000-0000-0000-0000-000000000000';
  end if;
  if _index_place is null and _state is not null then
    select few.queues, few.ids into _few_queues, _few_ids
      from :"schema".search_candidates(_state, _queue, _concurrency_key, 20000) as few;
  end if;
  if _index_place is not null then
    select format('select found.* from (%s) as found order by found.queue, found.id limit $3', string_agg(format(
             '(select jobs.* from %1$I.jobs where jobs.task = %2$L and left(jobs.payload #>> %3$L, 200) = left(%4$L, 200)'
             ' and (jobs.queue, jobs.id) > ($1, $2) order by jobs.queue, jobs.id limit $3)',
             :'schema', _task, array(select json_array_elements_text(_terms -> _index_place -> 'path')), form), ' union all '))
      into _source
      from unnest(:"schema".search_forms(_terms, _index_place)) as form;
  elsif _few_ids is not null then
    _source := format(
      'select jobs.* from unnest($4, $5) as few (queue, id) cross join lateral ('
      'select jobs.* from %I.jobs where jobs.queue = few.queue and jobs.id = few.id offset 0) as jobs'
      ' where (few.queue collate "C", few.id) > ($1, $2) limit $3', :'schema');
  elsif _queue is not null then
    _source := format('select jobs.* from %I.jobs where jobs.queue = %L and jobs.queue = $1 and jobs.id > $2'
      ' order by jobs.queue, jobs.id limit $3', :'schema', _queue);
  else
    _source := format('select jobs.* from %I.jobs where (jobs.queue, jobs.id) > ($1, $2)'
      ' order by jobs.queue, jobs.id limit $3', :'schema');
  end if;
  _step := :"schema".search_step(_source, '{queue,id}', concat_ws(' and ', 'true',
    'source.queue = ' || quote_literal(_queue), 'source.task = ' || quote_literal(_task),
    'source.state = ' || quote_literal(_state), 'source.correlation_id = ' || quote_literal(_correlation_id),
    'source.concurrency_key = ' || quote_literal(_concurrency_key)), _terms);
  loop
    _begun_at := clock_timestamp();
    begin
      execute _step into _seen using next_queue, next_id, _size, _few_queues, _few_ids;
    exception
      when data_exception then
        -- One row at a time, so that the one which cannot be read is passed over.
        if _size > 1 then
          _size := 1;
          continue;
        end if;
        execute :"schema".search_step(_source, '{queue,id}', 'false', '[]')
           into _seen using next_queue, next_id, _size, _few_queues, _few_ids;
    end;
    _matches := coalesce(cardinality(_seen.places), 0);
    _room := _limit - cardinality(ids);
    queues := queues || coalesce((_seen.queue_list)[1:_room], '{}');
    ids := ids || coalesce((_seen.id_list)[1:_room], '{}');
    if _matches > _room then
      examined := examined + (_seen.places)[_room];
      next_queue := (_seen.queue_list)[_room];
      next_id := (_seen.id_list)[_room];
      return;
    end if;
    examined := examined + _seen.count;
    if _seen.count < _size then
      next_queue := null;
      next_id := null;
      return;
    end if;
    next_queue := _seen.last_queue;
    next_id := _seen.last_id;
    if _matches = _room then
      return;
    end if;
    if clock_timestamp() >= _ends_at then
      is_cut := true;
      return;
    end if;
    _size := :"schema".search_step_size(_size, clock_timestamp() - _begun_at, _ends_at - clock_timestamp());
  end loop;
end
$$;

-- The same for the history, newest first, from just before a position. Goes by the index of a searchable path, or else through
-- history_finished.
create function :"schema".search_history(
  _queue text, _task text, _outcome text, _final boolean, _correlation_id text, _from timestamptz, _to timestamptz, _terms json,
  _after_finished_at timestamptz, _after_id uuid, _after_attempt integer, _after_queue text,
  _limit integer, _budget_ms double precision,
  out finished_ats timestamptz[], out ids uuid[], out attempts integer[], out queues text[],
  out next_finished_at timestamptz, out next_id uuid, out next_attempt integer, out next_queue text,
  out is_cut boolean, out examined integer
)
language plpgsql
stable
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  _ends_at timestamptz := clock_timestamp() + _budget_ms * interval '1 millisecond';
  _begun_at timestamptz;
  _size integer := case when json_array_length(_terms) = 0 then _limit + 1 else 20 end;
  _index_place integer := :"schema".search_index_place('history', _task, _terms);
  _order text := ' order by history.finished_at desc, history.id desc, history.attempt desc, history.queue desc limit $5';
  _position text[] := '{finished_at,id,attempt,queue}';
  _source text;
  _step text;
  _seen record;
  _matches integer;
  _room integer;
begin
  finished_ats := '{}';
  ids := '{}';
  attempts := '{}';
  queues := '{}';
  is_cut := false;
  examined := 0;
  next_finished_at := _after_finished_at;
  next_id := _after_id;
  next_attempt := _after_attempt;
  next_queue := _after_queue;
  _source := format('select history.* from %I.history'
    ' where (history.finished_at, history.id, history.attempt, history.queue) < ($1, $2, $3, $4)'
    ' and history.finished_at >= %L::timestamptz and history.finished_at < %L::timestamptz and history.expires_at >= %L::timestamptz',
    :'schema', _from, _to, _from);
  if _index_place is null then
    _source := _source || _order;
  else
    select 'select history.* from (' || string_agg('(' || _source || format(
             ' and history.task = %L and history.payload is not null'
             ' and left(history.payload #>> %L, 200) = left(%L, 200)',
             _task, array(select json_array_elements_text(_terms -> _index_place -> 'path')), form) || _order || ')', ' union all ')
           || ') as history' || _order
      into _source
      from unnest(:"schema".search_forms(_terms, _index_place)) as form;
  end if;
  _step := :"schema".search_step(_source, _position, concat_ws(' and ', 'true',
    'source.outcome = ' || quote_literal(_outcome), 'source.final = ' || quote_literal(_final),
    'source.queue = ' || quote_literal(_queue), 'source.task = ' || quote_literal(_task),
    'source.correlation_id = ' || quote_literal(_correlation_id)), _terms);
  loop
    _begun_at := clock_timestamp();
    begin
      execute _step into _seen using next_finished_at, next_id, next_attempt, next_queue, _size;
    exception
      when data_exception then
        -- One row at a time, so that the one which cannot be read is passed over.
        if _size > 1 then
          _size := 1;
          continue;
        end if;
        execute :"schema".search_step(_source, _position, 'false', '[]')
           into _seen using next_finished_at, next_id, next_attempt, next_queue, _size;
    end;
    _matches := coalesce(cardinality(_seen.places), 0);
    _room := _limit - cardinality(ids);
    finished_ats := finished_ats || coalesce((_seen.finished_at_list)[1:_room], '{}');
    ids := ids || coalesce((_seen.id_list)[1:_room], '{}');
    attempts := attempts || coalesce((_seen.attempt_list)[1:_room], '{}');
    queues := queues || coalesce((_seen.queue_list)[1:_room], '{}');
    if _matches > _room then
      examined := examined + (_seen.places)[_room];
      next_finished_at := (_seen.finished_at_list)[_room];
      next_id := (_seen.id_list)[_room];
      next_attempt := (_seen.attempt_list)[_room];
      next_queue := (_seen.queue_list)[_room];
      return;
    end if;
    examined := examined + _seen.count;
    if _seen.count < _size then
      next_finished_at := null;
      return;
    end if;
    next_finished_at := _seen.last_finished_at;
    next_id := _seen.last_id;
    next_attempt := _seen.last_attempt;
    next_queue := _seen.last_queue;
    if _matches = _room then
      return;
    end if;
    if clock_timestamp() >= _ends_at then
      is_cut := true;
      return;
    end if;
    _size := :"schema".search_step_size(_size, clock_timestamp() - _begun_at, _ends_at - clock_timestamp());
  end loop;
end
$$;
