#!/bin/bash
# Who tare-collect asks and as whom: tokens, passwords, certificates, headers, several clusters, all from tare.yaml and files. A real
# Prometheus with TLS, client certificates and a password holds the data of two clusters; a scripted server tells what it was sent.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/collect.sh"
need prometheus promtool jq awk curl openssl perl
unset TARE_CONFIG TARE_PROMETHEUS_URL TARE_NOW CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
export HOME=$tmp TMPDIR=$tmp
cd "$tmp" || exit 1
end=1795305600 # 2026-11-22T00:00:00Z
when=(--end 2026-11-22T00:00:00Z --window 2h --connect-timeout 30s --timeout 60s)

workload shop StatefulSet web web >records
workload pay StatefulSet web web >>records
inventory records >inventory
sed 's/"cluster":null/"cluster":"eu"/' records >clusters
for cluster in us dead; do
    workload shop StatefulSet web web >record
    sed "s/\"cluster\":null/\"cluster\":\"$cluster\"/" record >>clusters
done
inventory clusters >inventory.clusters

# collect CONFIGURATION [OPTION...]: with the records of $inventory; nothing secret may ever show
inventory=inventory
collect() {
    printf '%s\n' "$1" >tare.yaml
    shift
    run "$BIN/tare-collect" -v --config tare.yaml "${when[@]}" "$@" <"$inventory"
    ! grep -q -F -e s3cret -e czNjcmV0 .out .err
    tap_result $? "no secret shows" || diag "$err"
}
codes() { jq -rc 'select(.workload) | [.workload.cluster, .workload.namespace, .usage.containers.web.memory_bytes.max, (.problems[].code)] | map(. // "-") | join(" ")' .out | paste -sd,; }
requests() { curl --silent --noproxy '*' "http://127.0.0.1:$port/__requests"; }

# ---- what a server is sent -----------------------------------------------------------------------------------------------
empty='body {"status":"success","data":[]}'
serve "on * /
match Authorization: Bearer s3cret-1
times 1
delay 5000
$empty
on * /
match Authorization: Bearer s3cret-2
$empty
on * /
status 401
body s3cret is wrong"
printf 's3cret-1\n' >token
# The first request is answered so late that there is time for the other token.
(for ((i = 0; i < 1200; i++)); do [[ $(curl --silent --noproxy '*' "http://127.0.0.1:$port/__count") == [1-9]* ]] && break; sleep 0.05; done; printf 's3cret-2' >token.new; mv token.new token) &
collect "metrics: {prometheus: 'http://127.0.0.1:$port', bearer_token_file: token, source: query-range, parallel: 1}"
wait $!
is "$rc $(codes)" "0 - shop - no-data,- pay - no-data" "a token from a file that is read anew for each request" || diag "$err"
printf 's3cret-3' >token
collect "metrics: {prometheus: 'http://127.0.0.1:$port', bearer_token_file: token, source: query-range}"
is "$rc" 69 "a wrong token"
like "$err" '401.*hint: ' "is told"
for source in auto remote-read; do
    collect "metrics: {prometheus: 'http://127.0.0.1:$port', bearer_token_file: token, source: $source}"
    is "$rc" 69 "$source: a wrong token"
    like "$err" '401.*hint: ' "$source: is told"
done
: >token
collect "metrics: {prometheus: 'http://127.0.0.1:$port', bearer_token_file: token, source: query-range}"
is "$rc" 78 "an empty token is not sent"
like "$err" 'token is empty' "and it is told whose"
rm token
collect "metrics: {prometheus: 'http://127.0.0.1:$port', bearer_token_file: token, source: query-range}"
is "$rc" 66 "a token that is not there" || diag "$err"
like "$err" 'token.*No such file' "is told by name"

kill "$server"
serve "on * /
match X-Scope-OrgID: team-a
match X-Other: s3cret two
match Authorization: Basic $(printf 'u:s3cret pass' | base64)
$empty
on * /
status 403"
printf 's3cret pass\n' >password
shared="headers: {X-Scope-OrgID: team-a, X-Other: s3cret two}, basic: {username: u, password_file: password}"
collect "metrics: {prometheus: 'http://127.0.0.1:$port', source: query-range, $shared}"
is "$rc $(codes)" "0 - shop - no-data,- pay - no-data" "headers and a password" || diag "$err"
is "$(requests | grep -c 'team-a')" "$(requests | grep -c '^Host:')" "each header once a request"
collect "metrics: {prometheus: 'http://u:s3cret%20pass@127.0.0.1:$port', source: query-range, headers: {X-Scope-OrgID: team-a, X-Other: s3cret two}}"
is "$rc" 0 "a password in the address of the file" || diag "$err"
mkdir -p folder && cp password folder/own
printf 'metrics: {prometheus: "http://127.0.0.1:%s", source: query-range, headers: {X-Scope-OrgID: team-a, X-Other: s3cret two}, basic: {username: u, password_file: own}}\n' "$port" >folder/tare.yaml
run "$BIN/tare-collect" --config folder/tare.yaml "${when[@]}" <inventory
is "$rc" 0 "paths are those of the file's folder" || diag "$err"
run "$BIN/tare-collect" --prometheus "http://u:s3cret@127.0.0.1:$port" <inventory
is "$rc" 64 "a password in the arguments"
unlike "$err" s3cret "is refused without a word of it"
for wrong in 'basic: {username: u}' 'basic: {password_file: password}' 'basic: {username: u, password_file: password}, bearer_token_file: password' \
    'tls: {certificate: password}' 'headers: {"X Y": z}' 'headers: {X: "a\nb"}' 'cluster_label: {name: x}' 'parallel: 0' 'parallel: 33'; do
    collect "metrics: {prometheus: 'http://127.0.0.1:$port', $wrong}"
    is "$rc" 78 "refused: $wrong" || diag "$err"
done
collect 'metrics: {prometheus: "ftp://x"}'
is "$rc" 78 "an address of the file that is none"
run "$BIN/tare-collect" --prometheus ftp://x <inventory
is "$rc" 64 "an address of the arguments that is none"
run "$BIN/tare-collect" --prometheus "http://127.0.0.1:$port" --parallel 33 <inventory
is "$rc" 64 "too many threads"
run "$BIN/tare-collect" <inventory
is "$rc" 64 "no address at all"
like "$err" 'metrics.prometheus.*--offline' "what can be given instead"
kill "$server"

# ---- a server that does not speak remote read ----------------------------------------------------------------------------
serve "on POST /api/v1/read
status 404
on * /
$empty"
collect "metrics: {prometheus: 'http://127.0.0.1:$port'}"
is "$rc $(jq -r '.settings.collect.source // empty' .out)" "0 query-range" "auto takes what there is"
like "$err" "127.0.0.1:$port is asked by query_range: .*404" "and says why"
collect "metrics: {prometheus: 'http://127.0.0.1:$port', source: remote-read}"
is "$rc" 69 "remote read alone"
like "$err" 'remote-read was asked for, but .*404.*hint: .*query-range' "is missed, with the way out"
is "$(wc -c <.out)" 0 "and there is no artifact"
collect "metrics: {prometheus: 'http://127.0.0.1:$port', source: remote-read}" --source query-range
is "$rc" 0 "an option goes before the file"
kill "$server"

# ---- a real server with certificates and a password ----------------------------------------------------------------------
authority() { openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null; }
issue() { # AUTHORITY NAME EXTENSION
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=$2" -keyout "$2.key" -out "$2.csr" 2>/dev/null &&
        openssl x509 -req -days 2 -in "$2.csr" -CA "$1.crt" -CAkey "$1.key" -set_serial "$RANDOM" -extfile <(printf '%s\n' "$3") -out "$2.crt" 2>/dev/null
}
authority ca && authority other && issue ca server 'subjectAltName=IP:127.0.0.1' && issue ca client 'extendedKeyUsage=clientAuth' &&
    issue other stranger 'extendedKeyUsage=clientAuth' || { echo "Bail out! no certificates"; exit 1; }
cat >web.yaml <<YAML
tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}
basic_auth_users: {u: "$(perl -e 'print crypt("s3cret pass", q($2b$04$abcdefghijklmnopqrstuu))')"}
YAML
awk -v end="$end" 'BEGIN {
    split("prod-eu prod-us", clusters); split("shop pay", namespaces)
    for (c in clusters) for (n in namespaces) for (t = end - 3 * 3600; t < end; t += 60) {
        labels = sprintf("{cluster=\"%s\",namespace=\"%s\",pod=\"web-0\",container=\"web\"}", clusters[c], namespaces[n])
        printf "container_memory_working_set_bytes%s %d %d\n", labels, c * 1000 + n * 100, t
        printf "container_cpu_usage_seconds_total%s %.3f %d\n", labels, (t - end + 20000) * c * 0.1, t
    }
    print "# EOF" }' >metrics.om
"$root/fixtures/prometheus.sh" backfill metrics.om "$tmp/prom" || { echo "Bail out! no data"; exit 1; }
echo 'scrape_configs: []' >prom/prometheus.yml
for ((tries = 0; tries < 20; tries++)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    prometheus --config.file=prom/prometheus.yml --storage.tsdb.path=prom/data --storage.tsdb.retention.time=10y --web.config.file=web.yaml \
        --web.listen-address="127.0.0.1:$port" --log.level=warn </dev/null >prom/log 2>&1 &
    server=$!
    at_exit eval "kill $server; wait $server"
    for ((i = 0; i < 600; i++)); do
        curl --silent --noproxy '*' --cacert ca.crt --cert client.crt --key client.key -u 'u:s3cret pass' "https://127.0.0.1:$port/-/ready" | grep -q Ready && break 2
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
done
((tries < 20)) || { sed 's/^/# /' prom/log; echo "Bail out! no Prometheus"; exit 1; }
trusted='ca: ca.crt, certificate: client.crt, key: client.key'
basic='basic: {username: u, password_file: password}'
server() { printf "metrics: {prometheus: 'https://127.0.0.1:%s', tls: {%s}, cluster_label: {name: cluster, value: prod-eu}%s}" "$port" "$@"; }
for source in remote-read query-range; do
    collect "$(server "$trusted" ", $basic, source: $source")"
    is "$rc $(codes)" "0 - shop 1100,- pay 1200" "$source: authority, client certificate, password, and one cluster of two" || diag "$err"
done
collect "$(server "$trusted" ", $basic")"
is "$(jq -rc '.settings.collect | select(.) | [.source, .prometheus]' .out)" "[\"remote-read\",\"https://127.0.0.1:$port\"]" "auto finds remote read behind it all"
like "$err" 'speaks remote read' "and says so"

no() { # CONFIGURATION PATTERN NAME
    collect "$1"
    is "$rc" 69 "$3" || diag "$err"
    like "$err" "$2" "$3: is told"
    is "$(wc -c <.out)" 0 "$3: nothing else"
}
no "$(server 'certificate: client.crt, key: client.key' ", $basic")" 'certificate' "an authority that nobody knows"
no "$(server 'ca: other.crt, certificate: client.crt, key: client.key' ", $basic")" 'certificate' "another authority"
no "$(server 'ca: ca.crt' ", $basic")" 'certificate|alert|connection' "no client certificate"
no "$(server 'ca: ca.crt, certificate: stranger.crt, key: stranger.key' ", $basic")" 'certificate|alert|connection' "a client certificate of somebody else"
no "$(server "$trusted" '')" '401.*hint: ' "no password"
printf 's3cret none' >wrong
no "$(server "$trusted" ", basic: {username: u, password_file: wrong}")" '401.*hint: ' "a wrong password"
no "metrics: {prometheus: 'https://localhost:$port', tls: {$trusted}, $basic}" 'certificate|localhost' "a certificate for another name"
no "metrics: {prometheus: 'http://127.0.0.1:$port', $basic}" '400|HTTPS' "http where https is spoken"
collect "$(server 'ca: ca.crt, certificate: client.crt, key: stranger.key' ", $basic")"
[[ $rc != 0 && ! -s .out ]]
tap_result $? "a key of another certificate" || diag "$rc $err"

# ---- several clusters ----------------------------------------------------------------------------------------------------
inventory=inventory.clusters
free=1 # where nobody listens
both="metrics:
  prometheus: 'https://127.0.0.1:$port'
  tls: {$trusted}
  basic: {username: nobody, password_file: wrong}
  cluster_label: {name: cluster, value: none}
clusters:
- cluster: eu
  metrics: {$basic, cluster_label: {value: prod-eu}, source: query-range}
- cluster: us
  metrics: {$basic, cluster_label: {value: prod-us}}
- cluster: dead
  metrics: {prometheus: 'http://127.0.0.1:$free', basic: null}"
collect "$both"
is "$rc" 0 "three clusters, one of them dead" || diag "$err"
is "$(codes)" "eu shop 1100,eu pay 1200,us shop 2100,dead shop - metrics-error" "each has its own figures, or says what failed"
is "$(jq -rc 'select(.workload) | .usage.source // "-"' .out | paste -sd' ')" "query-range query-range remote-read -" "each is asked in its own way"
is "$(jq -Sc '.settings.collect.clusters | select(.) | map_values(.prometheus)' .out)" \
    "{\"dead\":\"http://127.0.0.1:$free\",\"eu\":\"https://127.0.0.1:$port\",\"us\":\"https://127.0.0.1:$port\"}" "the settings tell them"
like "$err" "127.0.0.1:$free.*(connect|refused)" "what failed is told"
collect "$both" --source remote-read
is "$rc $(jq -rc 'select(.workload) | .usage.source // "-"' .out | paste -sd' ')" "0 remote-read remote-read remote-read -" "--source is for all"
collect "$both" --prometheus "http://127.0.0.1:$free"
is "$rc" 69 "--prometheus is that of clusters without an address of their own: none is left here" || diag "$err"
collect "clusters:
- cluster: eu
  metrics: {prometheus: 'https://127.0.0.1:$port', tls: {$trusted}, $basic, cluster_label: {name: cluster, value: prod-eu}}"
is "$rc $(codes)" "0 eu shop 1100,eu pay 1200,us shop - metrics-error,dead shop - metrics-error" "clusters that nothing is said of"
like "$(jq -r 'select(.workload.cluster == "us") | .problems[].message' .out)" 'no metrics server was given for cluster us' "have a problem that says so"
collect "$(server "$trusted" ", $basic")"
is "$rc $(codes)" "0 eu shop 1100,eu pay 1200,us shop 1100,dead shop 1100" "one server for all, bound to one cluster by its label"
unlike "$err" 'nothing tells their pods apart' "is what somebody wrote"
collect "metrics: {prometheus: 'https://127.0.0.1:$port', tls: {$trusted}, $basic}"
like "$err" 'clusters eu and us are both looked up.*nothing tells their pods apart' "one server for all, without a label, is warned of"
done_testing
