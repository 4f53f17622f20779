# A private Postgres for tests of the SQL itself. Source it after tap.sh; it starts a server with the migrations in
# database `ledger` and one login for each kind of person, and ends it with the test.
#
#   as LOGIN SQL        runs SQL, prints the values; $rc is psql's
#   state LOGIN SQL     prints the SQLSTATE of the failure, "ok" where it worked
#   refused LOGIN SQL SQLSTATE NAME
#   plan_run LOGIN ROWS SALT   makes a run with a plan, prints its id
#   store LOGIN RUN TEXT       stores an artifact of a run, sets $digest
#   gone [N]          waits until all sessions have ended, but N
#   the_plan RUN      the digest of its plan, as SQL for who sees a row of it

need psql
pg_bin=$(dirname "$(command -v initdb || ls -1 /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")
pg_dir=$tmp/pg
mkdir "$pg_dir"
chmod 755 "$tmp"

# Postgres refuses to run as root.
unroot() {
    if ((EUID == 0)); then
        setpriv --reuid=postgres --regid=postgres --init-groups env -i PATH="$PATH" LC_ALL=C "$@"
    else
        "$@"
    fi
}

pg_stop() { unroot "$pg_bin/pg_ctl" -D "$pg_dir/data" -m immediate -w stop >/dev/null; }

pg_start() {
    ((EUID == 0)) && chown postgres "$pg_dir"
    unroot "$pg_bin/initdb" -N -D "$pg_dir/data" -A trust -U boss -E UTF8 --locale=C >"$tmp/initdb.log" 2>&1 &&
        unroot "$pg_bin/pg_ctl" -D "$pg_dir/data" -l "$pg_dir/log" -w -o \
            "-c listen_addresses='' -c unix_socket_directories='$pg_dir' -c fsync=off" start >"$tmp/start.log" 2>&1
}

if ! pg_start; then
    cat "$tmp/initdb.log" "$tmp/start.log" "$pg_dir/log" >&2
    echo 'Bail out! no Postgres'
    exit 1
fi
at_exit pg_stop

pg() { # LOGIN DATABASE ARGS...
    local login=$1 database=$2
    shift 2
    PGOPTIONS=${PGOPTIONS:-} psql -h "$pg_dir" -U "$login" -d "$database" -XqAt -v ON_ERROR_STOP=1 "$@"
}

# The server ends a session, and gives its locks back, a moment after psql has ended.
gone() { # [N]
    for _ in {1..600}; do
        (($(pg boss ledger -c "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()") <= ${1:-0})) && return
        sleep 0.1
    done
    diag "a session does not end"
}

# All migrations, each in one transaction, as psql runs them.
load_ledger() { # DATABASE
    local file
    pg boss postgres -c "create database $1" || return 1
    for file in "$root"/sql/migrations/*.sql; do
        pg boss "$1" -1 -f "$file" || return 1
    done
}

make_logins() { # DATABASE
    pg boss "$1" -c "
        create role view login in role tare_viewer;
        create role op login in role tare_operator;
        create role op2 login in role tare_operator;
        create role rev login in role tare_approver;
        create role rev2 login in role tare_approver;
        create role adm login in role tare_admin;
        create role duo login in role tare_operator, tare_approver;
        create role stranger login"
}

load_ledger ledger && make_logins ledger || { echo 'Bail out! the migrations do not load'; exit 1; }

as() {
    pg "$1" ledger -c "$2" 2>"$tmp/.err"
    rc=$?
    return 0
}

state() {
    local text
    if text=$(pg "$1" ledger -v VERBOSITY=sqlstate -c "$2" 2>&1 >/dev/null); then
        echo ok
    else
        text=${text##*ERROR:  }
        echo "${text%%[^A-Z0-9]*}"
    fi
}

refused() { is "$(state "$1" "$2")" "$3" "$4"; }

one_row='[{"namespace":"shop","kind":"Deployment","name":"cart","verdict":"needs-approval","approvals_required":1}]'

# Stores TEXT as the newest changes artifact of a run: $digest is its sha256; prints what the ledger says against it.
store() { # LOGIN RUN TEXT
    digest=$(printf '%s' "$3" | sha256sum | cut -d' ' -f1)
    pg "$1" ledger -v run="$2" -v text="$3" -v digest="$digest" 2>&1 >/dev/null <<'SQL'
select tare.attempt_begin(:run, 'diff', null, '{}') as attempt \gset
begin;
select tare.artifact_put(:attempt, :'digest', 'changes', octet_length(:'text')) as wanted \gset
\if :wanted
select tare.artifact_chunk_put(:'digest', 0, convert_to(:'text', 'UTF8'));
\endif
select tare.attempt_finish(:attempt, :'digest');
commit;
SQL
}

# The artifact has a line for each workload of the rows: the ledger compares the two.
plan_run() { # LOGIN ROWS SALT [CLUSTER]
    pg "$1" ledger -v rows="$2" -v salt="$3" -v cluster="${4:-prod}" <<'SQL'
select tare.run_create(:'cluster', 'files', '0.1.0', null, '{}') as run \gset
select tare.attempt_begin(:run, 'diff', null, '{}') as attempt \gset
select convert_to(jsonb_build_object('salt', :'run' || :'salt')::text || E'\n' || coalesce(string_agg(
    jsonb_build_object('workload', jsonb_build_object('namespace', r -> 'namespace', 'kind', r -> 'kind', 'name', r -> 'name'))::text
    || E'\n', ''), ''), 'UTF8') as text from jsonb_array_elements(:'rows') r \gset
select encode(sha256(:'text'), 'hex') as digest, octet_length(:'text'::bytea) as size \gset
begin;
select tare.artifact_put(:attempt, :'digest', 'changes', :size) \g /dev/null
select tare.artifact_chunk_put(:'digest', 0, :'text') \g /dev/null
select tare.attempt_finish(:attempt, :'digest') \g /dev/null
commit;
select tare.plan_register(:run, :'digest', :'rows', 0) \g /dev/null
select :run;
SQL
}

the_plan() { echo "(select max(plan_digest) from tare.plan_requirement where run = $1)"; }
