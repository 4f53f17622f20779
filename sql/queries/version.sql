-- Is there a ledger at all? A schema without rights to look into counts as one.
select exists (select 1 from pg_catalog.pg_namespace where nspname = 'tare')
