-- Rows and bytes of what pruning takes from.
select tare.prune_counts()
