-- Batches of a run that a vendor took, oldest first. $1 run
select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'provider', b.provider, 'model', b.model, 'questions', b.questions,
                                             'at', tare.rfc3339(b.at)) order by b.at, b.id), '[]')
from tare.llm_batch b where b.run = $1::bigint
