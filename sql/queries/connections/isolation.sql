-- Tells the isolation level of a statement outside a transaction.
show default_transaction_isolation
