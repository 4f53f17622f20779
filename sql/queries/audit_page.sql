-- Events with all that their digests cover. $1 after this position, $2 up to this one, $3 limit
select "position", at, actor, action, run, subject, detail, previous, digest
from tare.audit_page($1::bigint, $2::bigint, $3::integer)
