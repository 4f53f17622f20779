-- What waits for this login.
select coalesce(jsonb_agg(to_jsonb(m)), '[]') from tare.mine() m
