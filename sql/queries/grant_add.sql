-- Narrows a login. $1 login, $2 namespace, $3 cluster or null
select tare.grant_namespace($1::text, $2::text, $3::text)
