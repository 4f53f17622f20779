-- The next one.
select pg_advisory_unlock(7235412890017712)
