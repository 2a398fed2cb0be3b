-- What each worker refuses, for whoever asks why a job does not run.
-- breaking: no

-- Null: nothing, or not known, since a worker of the release before does not say.
alter table :"schema".workers add column if not exists forbidden_flags text[];
