-- Undoes the handler's part of a transaction. Its job stays claimed.
rollback to savepoint pawl_handler
