# For tests against tables of known truths (fixtures/truths): makes metrics of a table, serves them, runs the line over them and
# judges what comes out. After tap.sh.
metrics=$BIN/fixtures/metrics
prometheus=$root/fixtures/prometheus.sh

# truths_expectations TABLE: "NAMESPACE KIND NAME WORD…" for each workload; one without `expect` expects nothing
truths_expectations() {
    awk '{ sub(/[ \t]#.*/, ""); sub(/^#.*/, "") }
        $1 == "workload" { id = $2 " " $3 " " $4 }
        $1 == "expect" { line = id; for (i = 2; i <= NF; i++) line = line " " $i; print line }' "$1"
}

# truths_line DIR TABLE END GENERATOR-OPTION…: fills and starts a server in DIR and runs parse | collect | analyze; leaves DIR/usage and
# DIR/records, the server's address in $url. Environment: window (7d), collect_options.
truths_line() {
    local dir=$1 table=$2 end=$3
    shift 3
    mkdir -p "$dir/deploy"
    "$prometheus" fill "$dir/prom" "$metrics" --table "$table" --end "$end" --manifests "$dir/deploy" "$@" || return
    url=$("$prometheus" start "$dir/prom") || return
    at_exit "$prometheus" stop "$dir/prom"
    "$BIN/tare-parse" -q --created "$end" "$dir/deploy" >"$dir/inventory" &&
        "$BIN/tare-collect" -q --created "$end" --prometheus "$url" --end "$end" --window "${window:-7d}" <"$dir/inventory" >"$dir/usage" &&
        "$BIN/tare-analyze" -q --created "$end" <"$dir/usage" >"$dir/records"
}

# truths_judge RECORDS TABLE: a line for each expected word: ok or not ok, workload, word, what there is
truths_judge() {
    truths_expectations "$2" | jq -nRr --slurpfile records "$1" -f "$root/tests/harness/truths.jq"
}

# truths_told VERDICTS NAME: one result for each workload of verdicts; what failed is told
truths_told() {
    local workload
    while read -r workload; do
        grep -P "^not ok\t\Q$workload\E\t" "$1" >"$tmp/.failed"
        [[ ! -s $tmp/.failed ]]
        tap_result $? "$2: $workload" || diag "$(cut -f3- "$tmp/.failed")"
    done < <(cut -f2 "$1" | awk '!seen[$0]++')
}
