-- Moves the clock of this session. $1 time
select tare.clock_set($1::timestamptz)
