-- The schedules. $1 only this one (null: all)
select tare.schedules($1::text)
