-- Opens a transaction of Pawl's own. The isolation level is named because the server's default may be another, and
-- counting under a lock is only right when each statement sees what was committed before it.
begin isolation level read committed
