# For tests of tare-collect: inventories by hand, figures of a record, and their comparison with the oracle's. After tap.sh.
collect=$BIN/tare-collect

# workload NAMESPACE KIND NAME CONTAINER[:ROLE]...: one record; NAMESPACE null: none is given
workload() {
    local namespace=$1 kind=$2 name=$3 containers='' container role
    shift 3
    for container in "$@"; do
        role=${container#"${container%%:*}"} role=${role#:}
        containers+="{\"name\":\"${container%%:*}\",\"role\":\"${role:-container}\",\"image\":\"x\",\"requests\":{},\"limits\":{}},"
    done
    [[ $namespace == null ]] || namespace="\"$namespace\""
    printf '{"workload":{"cluster":null,"namespace":%s,"kind":"%s","name":"%s","api_version":"v1","replicas":1,"labels":{},' \
        "$namespace" "$kind" "$name"
    printf '"source":{"file":"m.yaml","document":%d,"item":null,"line":1,"sha256":null},"autoscaler":null,"containers":[%s]},"problems":[]}\n' \
        "$((documents = ${documents:-0} + 1))" "${containers%,}"
}

# inventory FILE: the records of a file as an artifact
inventory() {
    echo '{"tare":"inventory","version":1,"created":"2026-11-22T00:00:00Z","by":"hand","settings":{}}'
    cat "$1"
    jq -sc '{end:{records:length,workloads:([.[]|select(.workload)]|length),problems:([.[].problems[]?]|length),skipped:{},input:null}}' "$1"
}

# value NAMESPACE KIND/NAME FILTER: what a jq filter makes of the first such record of $usage
value() {
    jq -rs --arg s "$1" --arg k "${2%/*}" --arg n "${2#*/}" \
        "[.[]|select(.workload.kind==\$k and .workload.name==\$n and .workload.namespace==\$s)][0]|$3" "$usage"
}

# differences WANTED GOT: prints where lines "path value" differ. Lists stand in WANTED entry by entry, in GOT as codes of
# 12 bits (pipeline/run/series.h): those may be off by half a step. $loose is what replicas may be off by.
differences() {
    awk -v loose="${loose:-0.005}" '
    function absolute(x) { return x < 0 ? -x : x }
    function near(a, b, by) { return a == b || absolute(a - b) <= by * (absolute(a) > absolute(b) ? absolute(a) : absolute(b)) }
    function off(path, want, have,    by) {
        if (want == have) return 0
        if (want == "null" || have == "null" || want ~ /T.*Z$/ || path ~ /hot_pod$/) return 1
        if (path ~ /expected$/) return absolute(want - have) > 1
        by = path ~ /replicas_mean|hourly_replicas/ ? loose : path ~ /memory_bytes.*(p[0-9]|max|min)/ ? 1e-14 : 1e-9
        return !near(want + 0, have + 0, by) && absolute(want - have) > (by == loose ? loose : 0)
    }
    function decode(list,    codes, i, code, low, high, value, by, path) {
        codes = got[list ".codes"]; low = got[list ".low"]; high = got[list ".high"]
        for (i = 0; i < length(codes) / 2; i++) {
            code = (index(digits, substr(codes, 2 * i + 1, 1)) - 1) * 64 + index(digits, substr(codes, 2 * i + 2, 1)) - 1
            path = list "." i
            if (code == 0) { if (path in want) print path ": nothing for " want[path]; continue }
            value = code == 1 ? 0 : low == high ? low : low * exp(log(high / low) * (code - 2) / 4093)
            by = code == 1 || low == high ? 1e-9 : exp(log(high / low) / 4093 * 0.51) - 1 + 1e-9
            if (!(path in want)) print path ": " value " for nothing"
            else if (!near(want[path] + 0, value, by)) print path ": " value " for " want[path] " (steps of " by ")"
            done[path] = 1
        }
    }
    BEGIN { digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" }
    FNR == NR { want[$1] = $2; next }
    { got[$1] = $2 }
    END {
        for (path in got) if (path ~ /\.codes$/) { sub(/\.codes$/, "", path); decode(path) }
        for (path in want) {
            if (path in done || path == "odd_values") continue
            if (!(path in got)) { if (want[path] != "null" && path !~ /\.(hourly|series)\.[a-z]+\.[0-9]+$/) print path ": missing, wanted " want[path]
                else if (path ~ /\.(hourly|series)\./) print path ": not in the list, wanted " want[path] }
            else if (off(path, want[path], got[path])) print path ": " got[path] " for " want[path]
        }
    }' "$1" "$2"
}

# flat NAMESPACE KIND/NAME: `usage` of a record as lines "path value"; init containers stand with the others
flat() {
    value "$1" "$2" '.usage | .containers += (.init_containers // {}) | del(.init_containers) | . as $u
        | [paths(type != "object" and type != "array")] | .[] | . as $p | "\($p|map(tostring)|join(".")) \($u|getpath($p))"'
}

# same NAMESPACE KIND/NAME PODS NAME [ORACLE-OPTION...]: a record's usage is what the oracle makes of the raw samples, but for
# the paths that match $beside
same() {
    local namespace=$1 record=$2 pods=$3 name=$4 found
    shift 4
    "$BIN/harness/oracle" "$@" "$start" "$end" "$raw" "$namespace" "$pods" >"$tmp/want" || { tap_result 1 "$name (oracle)"; return; }
    flat "$namespace" "$record" >"$tmp/got" 2>/dev/null
    found=$(differences "$tmp/want" "$tmp/got" | grep -v -E "${beside:-^$}" | sort)
    [[ -s $tmp/want && -s $tmp/got && -z $found ]]
    tap_result $? "$name" || diag "$(grep -c . <<<"$found") differences ($namespace $record):"$'\n'"$(head -12 <<<"$found")"
}

# serve SCRIPT: a scripted server (http_script.h): its port in $port, its process in $server
serve() {
    printf '%s\n' "$1" >"$tmp/script"
    exec {pipe}< <(exec "$BIN/harness/http_server" "$tmp/script")
    server=$!
    at_exit kill "$server"
    read -r -t 60 port <&"$pipe"
}
