-- What a run may take for an answer without asking. $1 run, $2 seconds, $3 the key before ('': from the start), $4 most rows
select tare.rfc3339(at), evidence, exchange, key, kind, model, name, namespace, outcome, provider, reason, text, id
from tare.answers_young($1::bigint, $2::bigint, $3::text, $4::integer)
