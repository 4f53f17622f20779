-- Digest of the newest finished artifact of a stage. $1 run, $2 stage
select artifact from tare.attempt
where run = $1::bigint and stage = $2::text and state = 'finished' order by number desc limit 1
