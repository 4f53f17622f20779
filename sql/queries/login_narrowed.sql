-- Whether the login sees a part of the namespaces only.
select to_jsonb(not tare.sees_everything());
