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

# Judges records by words. Input: lines "NAMESPACE KIND NAME WORD…"; $records: what tare-analyze wrote. Output: a line for each word,
# "ok|not ok <tab> NAMESPACE/NAME <tab> WORD <tab> what there is".
truths_words='
def severities: {"low": 0, "medium": 1, "high": 2, "critical": 3};
def faults: "memory-leak|oom-kills|oom-loop|throttling|saturation|limits-below-use|hot-replica|hpa-conflict|heap-capped|idle";
def hunches: "cpu-spike|memory-spike|level-shift|usage-drift|cold-start|weekly-batch";

def main: .workload.containers | map(select(.role == "container"))[0].name;

# The old and the new value of a field of the first container; an absent request is its limit.
def field($kind; $resource): main as $name
    | (.workload.containers[] | select(.name == $name)) as $manifest
    | {old: ($manifest[$kind][$resource] // (if $kind == "requests" then $manifest.limits[$resource] else null end)),
       new: .recommendation.containers[$name][$kind][$resource]}
    | .after = (.new // .old);

# DIR: up, down, keep, nodown[:SHARE], noup, set, or xLOW..HIGH times the old value.
def goes($dir): . as $f
    | if $dir == "up" then .new != null and (.old == null or .new > .old)
      elif $dir == "down" then .new != null and .new < .old
      elif $dir == "keep" then .new == null or .new == .old
      elif $dir == "set" then .old == null and .new != null
      elif $dir == "noup" then .new == null or (.old != null and .new <= .old)
      elif $dir | startswith("nodown") then ($dir | ltrimstr("nodown") | ltrimstr(":") | if . == "" then 1 else tonumber end) as $share
        | .old == null or .after >= $share * .old
      elif $dir | startswith("x") then ($dir[1:] | split("..") | map(tonumber)) as [$low, $high]
        | .after != null and .old != null and .after >= $low * .old and .after <= $high * .old
      else error("no such direction: " + $dir) end;

# CODE|CODE[/cpu|/memory][>=SEVERITY]
def wanted($text): ($text | split(">=")) as $parts | ($parts[0] | split("/")) as $what
    | {codes: ($what[0] | split("|")), resource: $what[1], least: ($parts[1] // "low")};
def found($want): [.recommendation.findings[]?
    | select((.code as $c | $want.codes | index($c)) and ($want.resource == null or .resource == $want.resource)
             and severities[.severity] >= severities[$want.least])];
def told: [.recommendation.findings[]? | "\(.code):\(.severity)"] | join(" ");

def field_of: {"cpu": ["requests", "cpu_millicores"], "mem": ["requests", "memory_bytes"],
               "cpulimit": ["limits", "cpu_millicores"], "memlimit": ["limits", "memory_bytes"]};
def text_of: "\(.old) → \(.new)";

# Whether one word holds of a record, and what there is instead.
def judge($word): . as $record
    | ($word | capture("^(?<key>[a-z]+)(?<sign>!=|<=|>=|=)?(?<value>.*)$")) as $w
    | if $w.key == "found" then wanted($w.value) as $want | [(found($want) | length > 0), told]
      elif $w.key == "none" then wanted($w.value) as $want | [(found($want) | length == 0), told]
      elif $w.key == "calm" then [(found(wanted(faults)) == [] and ([.recommendation.findings[]? | select(severities[.severity] >= 2)] == [])), told]
      elif $w.key == "quiet" then [(found(wanted(hunches)) == []), told]
      elif $w.key == "action" or $w.key == "risk" then .recommendation[$w.key] as $is
        | [(if $w.sign == "!=" then $is != $w.value else ($w.value | split("|") | index($is)) != null end), ($is | tostring)]
      elif $w.key == "confidence" then .recommendation.confidence as $is
        | ($w.value | tonumber) as $v | [(if $w.sign == "<=" then $is <= $v else $is >= $v end), ($is | tostring)]
      elif $w.key == "scaling" or $w.key == "noscaling" then [.recommendation.scaling.advice[]?.code] as $is
        | (any($is[]; . as $c | $w.value | split("|") | index($c))) as $has | [(if $w.key == "scaling" then $has else $has | not end), ($is | join(" "))]
      elif $w.key == "manifest" or $w.key == "nomanifest" then [.recommendation.scaling.manifests[]?.kind] as $is
        | (any($is[]; . as $c | $w.value | split("|") | index($c))) as $has | [(if $w.key == "manifest" then $has else $has | not end), ($is | join(" "))]
      elif $w.key == "load" then .recommendation.scaling.kind_of_load as $is | [($w.value | split("|") | index($is)) != null, ($is | tostring)]
      elif $w.key == "crosses" then main as $m | ($w.value | split("/")) as [$what, $resource]
        | .recommendation.outlook.containers[$m][$resource].crosses[$what] as $is | [($is.at != null), ($is | tostring)]
      elif $w.key == "backtest" then main as $m | .recommendation.backtest.containers[$m] as $is
        | [([$is.cpu_millicores, $is.memory_bytes] | all(.ours.request != null)), ($is | tostring)[0:120]]
      elif $w.key == "forecast" then main as $m | .recommendation.forecast.containers[$m].cpu_millicores as $is
        | [(($is.values | length) == 72 and ($is.lower | length) == 72 and $is.method != null), ($is | tostring)[0:120]]
      elif field_of[$w.key] then field_of[$w.key] as [$kind, $resource] | field($kind; $resource) | [goes($w.value), text_of]
      else error("no such word: " + $word) end;

[$records[] | select(.workload)] | map({key: "\(.workload.namespace)/\(.workload.kind)/\(.workload.name)", value: .}) | from_entries as $by
| inputs | split(" ") | .[0:3] as $id | .[3:][] as $word
| ($by[$id | join("/")]) as $record
| (if $record == null then [false, "no such record"] else ($record | judge($word)) end) as [$ok, $is]
| "\(if $ok then "ok" else "not ok" end)\t\($id[0])/\($id[2])\t\($word)\t\($is)"
'

# truths_judge RECORDS TABLE: a line for each expected word: ok or not ok, workload, word, what there is
truths_judge() {
    truths_expectations "$2" | jq -nRr --slurpfile records "$1" "$truths_words"
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
