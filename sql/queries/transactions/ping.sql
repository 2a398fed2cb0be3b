-- Keeps a handler's transaction from being ended as idle while the handler is alive.
select 1
