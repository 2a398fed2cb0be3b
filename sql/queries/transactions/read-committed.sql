-- Makes a transaction that a driver has begun one of Pawl's own.
set transaction isolation level read committed
