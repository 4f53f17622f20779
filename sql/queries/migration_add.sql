-- Records a migration. $1 number, $2 name, $3 sha256
insert into tare.migration (number, name, sha256) values ($1::integer, $2::text, $3::text)
