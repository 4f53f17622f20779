-- A login that may approve a run of $1 login: the one that asks where it may, else the first by name.
select r.rolname from pg_catalog.pg_roles r
where r.rolcanlogin and not r.rolsuper and r.rolname <> $1::text
  and pg_catalog.pg_has_role(r.oid, 'tare_approver', 'member')
order by r.rolname <> session_user, r.rolname limit 1
