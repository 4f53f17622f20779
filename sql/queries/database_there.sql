-- Is there such a database? $1 name
select exists (select 1 from pg_catalog.pg_database where datname = $1::text)
