-- How large the database and the parts of the ledger are.
select tare.ledger_size()
