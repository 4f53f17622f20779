-- Stores the policy; its digest. $1 source text, $2 canonical JSON, $3 its calendars {name: text}
select tare.policy_set($1::text, $2::text, $3::text)
