-- What a run was told, in that order. $1 run, $2 the id before (0: from the start), $3 most rows
select tare.rfc3339(at), evidence, exchange, key, kind, model, name, namespace, outcome, provider, reason, text, id
from tare.answers_of($1::bigint, $2::bigint, $3::integer)
