-- How many were given up in the last week, of those this login sees.
select count(*) from tare.notification where state = 'given-up' and ended_at > clock_timestamp() - interval '7 days'
