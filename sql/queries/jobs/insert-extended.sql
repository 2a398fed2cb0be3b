-- Inserts jobs with concurrency keys, rate limits, flags or meta, one or ten thousand. Ids that are there already are left alone.
select now_ms, isolation, refused, others from :"schema".insert_jobs($1::json, $2::json)
