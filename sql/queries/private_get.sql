-- Is this ledger an embedded one?
select private from tare.ledger where id = 1
