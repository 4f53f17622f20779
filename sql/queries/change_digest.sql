-- Digest of the before-image of a change. $1 change
select before_digest from tare.change where id = $1::bigint
