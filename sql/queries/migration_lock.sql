-- One migrator at a time.
select pg_advisory_lock(7235412890017712)
