-- Brings all runs that are due up to date.
select tare.settle_due()
