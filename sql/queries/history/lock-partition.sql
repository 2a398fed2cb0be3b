-- Takes a table that is no partition any more away from everybody else, until the end of the transaction.
lock table :"schema".:"partition" in access exclusive mode
