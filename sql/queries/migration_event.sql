-- Records migrations in the audit chain. $1 from, $2 to
select tare.audit('migration.applied', null, null, jsonb_build_object('from', $1::integer, 'to', $2::integer))
