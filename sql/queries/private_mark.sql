-- The superuser of the embedded cluster says that this is one.
update tare.ledger set private = true where id = 1 and not private
