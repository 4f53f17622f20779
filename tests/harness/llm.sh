# The scripted model server for bash tests (rules: llm_rules.h; what it says: llm_mind.h). Source it after tap.sh.
#
#   llm_start 'latency=50' 'workload=*/cart times=2 status=429 retry-after=1'     -> $llm_url; words of llm_server_main.c work too
#   llm_count; llm_parallel; llm_stat cache_read_tokens; llm_requests (JSON lines, for jq); llm_stop
#
# It ends with the test. LLM_SERVER_KEY in the environment: the only right key. More than one: each llm_start gives $llm_url and $llm_pid anew; the functions
# take another address as their last word.

llm_stop() {
    kill "${1:-$llm_pid}" 2>/dev/null && wait "${1:-$llm_pid}" 2>/dev/null
    return 0
}

llm_start() {
    local port='' out
    out=$(mktemp -u "$tmp/llm.XXXXXX")
    mkfifo "$out"
    "$BIN/harness/llm_server" "$@" >"$out" &
    llm_pid=$!
    at_exit llm_stop "$llm_pid"
    read -r port <"$out"
    rm -f "$out"
    [[ $port ]] || { echo "Bail out! no model server"; exit 1; }
    llm_url=http://127.0.0.1:$port
}

llm_count() { curl -fsS "${1:-$llm_url}/__count"; }
llm_parallel() { curl -fsS "${1:-$llm_url}/__parallel"; }
llm_requests() { curl -fsS "${1:-$llm_url}/__requests"; }
llm_stat() { curl -fsS "${2:-$llm_url}/__stats" | jq -r --arg name "$1" '.[$name]'; }
