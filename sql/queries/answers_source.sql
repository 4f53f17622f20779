-- The run whose rows tell what models said for the analysis of a run, null for none. $1 run
select tare.answers_source($1::bigint)
