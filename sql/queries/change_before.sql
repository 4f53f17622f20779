-- The before-image of a change. $1 change
select before_image from tare.change where id = $1::bigint
