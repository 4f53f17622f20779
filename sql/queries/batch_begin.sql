-- Makes a batch and its runs. $1 program, $2 runs, $3 start or null, $4 schedule or null
select tare.batch_begin($1::text, $2::jsonb, $3::timestamptz, $4::text)
