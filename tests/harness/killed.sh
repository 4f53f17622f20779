# What a killed process leaves for a moment: the ledger holds its locks until its session has ended. Source it after tap.sh.
#
#   sessions_end       waits until no session of tare is left in the private ledger of $TARE_STATE_DIR
#   again COMMAND…     as `run`, and once more while somebody else is said to be at work

need psql

sessions_end() {
    local i
    for ((i = 0; i < 1200; i++)); do
        [[ $(psql -h "$TARE_STATE_DIR/socket" -U tare_superuser -d tare -XqAtc "select count(*) from pg_stat_activity where application_name like 'tare%'") != 0 ]] || return 0
        sleep 0.1
    done
    diag "the sessions of those that were killed do not end"
}

again() {
    local until=$((SECONDS + 60))
    run "$@"
    while [[ $rc == 75 && $err == *'by another '* ]] && ((SECONDS < until)); do
        sleep 0.1
        run "$@"
    done
}
