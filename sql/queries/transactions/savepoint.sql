-- Marks where the handler's part of a transaction begins.
savepoint pawl_handler
