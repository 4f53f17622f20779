-- The attempts of a run. $1 run
select a.id, a.inherited_from, a.number, a.stage, a.state, f.kind, a.artifact, a.input,
    tare.rfc3339(a.started),
       tare.rfc3339(a.ended), a.message, f.size, a.exit_code
from tare.attempt a left join tare.artifact f on f.digest = a.artifact
where a.run = $1::bigint order by a.started, a.id
