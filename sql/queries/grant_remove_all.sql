-- Takes all that narrows a login back. $1 login
select tare.revoke_all($1::text)
