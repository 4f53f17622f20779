#!/usr/bin/env bash
# `tare migrate`: fresh, twice, four at once, against a changed or newer ledger, and without the rights for it.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"
need "$BIN/tare"

unset TARE_NOW TARE_DATABASE_URL TARE_CONFIG
export HOME=$tmp XDG_STATE_HOME=$tmp/state
cd "$tmp" || exit 1
newest=$(ls "$root"/sql/migrations | wc -l)
url() { echo "host=$pg_dir user=$2 dbname=$1"; }
migrate() { run "$BIN/tare" migrate --database "$(url "$1" "${2:-boss}")"; }
count() { pg boss "$1" -c "select count(*) from tare.migration"; }

pg boss postgres -c 'create database fresh'
run "$BIN/tare" status --database "$(url fresh boss)"
is "$rc" 78 "a database without a ledger is refused"
like "$err" "tare migrate" "and the hint says what to type"
migrate fresh
is "$rc" 0 "a fresh database is migrated"
is "$(count fresh)" "$newest" "all migrations are recorded"
migrate fresh
is "$rc" 0 "a second time does nothing"
is "$(count fresh)" "$newest" "and records nothing"
is "$(pg boss fresh -c "select name || ' ' || sha256 from tare.migration order by number")" \
    "$(cd "$root/sql/migrations" && for f in *.sql; do echo "${f%.sql} $(sha256sum <"$f" | cut -d' ' -f1)"; done)" \
    "the checksum is the sha256 of the file"

pg boss postgres -c 'create database race'
for i in 1 2 3 4; do "$BIN/tare" migrate --database "$(url race boss)" >"$tmp/race.$i" 2>&1 & done
failed=0
for job in $(jobs -p); do wait "$job" || failed=$((failed + 1)); done
is "$failed" 0 "four at once all succeed"
is "$(count race)" "$newest" "and each migration happened once"

# What a dump of the schema says is the same, whichever way it came to be.
dump() { pg_dump -h "$pg_dir" -U boss -s -n tare "$1" | grep -v -e '^--' -e '^\\\(un\)\?restrict' -e '^$'; }
ok "the schema by psql equals the schema by tare" cmp <(dump ledger) <(dump race)

pg boss race -c "update tare.migration set sha256 = repeat('0', 64) where number = 3"
migrate race
is "$rc" 78 "a changed migration is refused"
like "$err" "0003_" "and named"
run "$BIN/tare" status --database "$(url race boss)"
is "$rc" 78 "no command works on it"

pg boss fresh -c "insert into tare.migration values ($((newest + 1)), 'later', repeat('1', 64))"
run "$BIN/tare" status --database "$(url fresh boss)"
is "$rc" 78 "a ledger that is newer than the program is refused"
like "$err" "version $((newest + 1))" "with both versions"
pg boss fresh -c "delete from tare.migration where number > 2"
run "$BIN/tare" status --database "$(url fresh boss)"
is "$rc" 78 "an older one too"

# Without the right to make roles.
pg boss postgres -c "create role plain login" -c "create database theirs owner plain"
migrate theirs plain
is "$rc" 0 "an owner without CREATEROLE migrates where the group roles are there"
for r in tare_approver tare_operator tare_admin tare_viewer; do
    pg boss postgres -c "alter role $r rename to ${r/tare/was}"
done
pg boss postgres -c "create database alone owner plain"
migrate alone plain
is "$rc" 77 "and is told what is missing where they are not"
like "$err" "tare_admin.*may not create roles" "in a sentence"
like "$err" "create role tare_admin" "with the SQL for a superuser"
is "$(pg boss alone -c "select count(*) from pg_namespace where nspname = 'tare'")" 0 "nothing is left of it"
for r in tare_approver tare_operator tare_admin tare_viewer; do
    pg boss postgres -c "alter role ${r/tare/was} rename to $r"
done

pg boss postgres -c "create database latin encoding 'LATIN1' template template0"
migrate latin
is "$rc" 78 "a database that is not UTF8 is refused"

run "$BIN/tare" status --database "$(url ledger stranger)"
is "$rc" 77 "a login without a role is refused"
like "$err" "tare_viewer" "and told which roles there are"
run "$BIN/tare" status --database "host=$tmp/nowhere user=op dbname=ledger"
is "$rc" 69 "a server that is not there is unavailable"

# Every query is SQL that the schema knows.
bad=''
for file in "$root"/sql/queries/*.sql; do
    text=$(<"$file")
    pg boss ledger -c "prepare q as $text" 2>"$tmp/q.err" || bad+="${file##*/}: $(head -1 "$tmp/q.err"); "
done
is "$bad" "" "every query prepares"
done_testing
