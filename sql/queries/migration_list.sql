-- Migrations that were applied.
select number, name, sha256 from tare.migration order by number
