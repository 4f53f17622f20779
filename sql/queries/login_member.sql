-- The statement that puts a login into a group role. $1 group role, $2 login
select case when pg_catalog.pg_has_role($2::name, $1::name, 'MEMBER') then 'select 1'
            else format('grant %I to %I', $1::text, $2::text) end
