-- Says how far an operation has come: what a batch has done, and the cursor behind it; without one it is done. Served by the
-- primary key.
update :"schema".operations
   set cursor = $2,
       examined = examined + $3::integer,
       changed = changed + $4::integer,
       refused = refused + $5::integer,
       state = case when $2::text is null then 'done' else state end,
       finished_at = case when $2::text is null then :"schema".now() end,
       held_until = case when $2::text is not null then :"schema".now() + $6::double precision * interval '1 millisecond' end
 where id = $1::uuid
