-- The statement that makes a login; it cannot take parameters, so the server quotes the name. $1 login
select case when exists (select 1 from pg_catalog.pg_roles where rolname = $1::text) then 'select 1'
            else format('create role %I login', $1::text) end
