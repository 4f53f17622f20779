-- The ledger's clock.
select tare.rfc3339(tare.now())
