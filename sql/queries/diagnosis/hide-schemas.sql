-- Leaves no schema on the search path until the end of the transaction, so that the catalogs name each in full. Needs no index.
select set_config('search_path', '', true)
