#!/bin/bash
# tare-collect on bad days: a scripted server (http_script.h) and made frames (make_frames_main.c). A number may be missing, with a
# problem that says so; it must never be wrong. What is expected:
#
#   fault                                                 by        result
#   nobody listens, closed, hangs, HTML, 401, 403, 5xx    any       exit 69, no trailer, the address and what it said
#   an answer that is cut, not JSON, status:error         discovery exit 69, no trailer
#   the server dies after it served something             any       exit 0, metrics-error and usage null, asked no more after three
#   404, 400, 405, 501, 403, 500, HTML, no stream on read auto      query-range, and why is said; explicit remote-read: 69
#   401, 403, HTML, 5xx, time-out on every read           read      exit 0 or 69, never figures
#   413, 429 without end, "too many samples"              both      asked in halves; metrics-error where nothing is left to halve
#   429 with Retry-After, 503, then well                  both      as if nothing had been
#   body that stands still, cut on the wire               both      metrics-error
#   bomb of gzip, frames of 2^60 bytes, series without end  both    metrics-error, little memory
#   wrong CRC, cut frame, bytes that are no protobuf      read      metrics-error, usage null
#   chunk cut, with a count that lies, with flipped bits  read      bad-chunk and what the other chunks tell, or metrics-error
#   histograms among the chunks                           read      passed over, told on stderr
#   chunks out of order, told twice, overlapping          read      the figures of the same samples in order
#   NaN, ±Inf, negative                                   both      odd-samples, and they do not count
#   stale markers                                         read      do not count, nothing is told
#   a counter that falls at every sample                  both      counter-resets
#   samples after the end of the window                   both      do not count
#   samples out of order inside a chunk                   read      bad-chunk: Prometheus writes none
#   values past 2^400                                     both      odd-samples
#   no series, series without samples                     both      no-data
#   one sample                                            both      memory of one sample, CPU unknown
#   names and labels of any bytes                         read      an artifact of valid JSON in UTF-8, no control bytes on the terminal
#   names that are no UTF-8                               range     metrics-error: it is no JSON
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/harness/collect.sh"
need jq gzip iconv curl

end=1795305600 # 2026-11-22T00:00:00Z
first=$((end - 9000))
{
    workload shop StatefulSet web web
} >"$tmp/records"
inventory "$tmp/records" >"$tmp/inventory"

# ---- how a case is run: several at once, since most of their time is waiting ---------------------------------------------
trials=0 checks=()
# trial SOURCE SCRIPT CHECK [ARGUMENT...]: runs tare-collect against the scripted server, and later the check with $out, $err, $rc
trial() {
    local source=$1 script=$2 dir=$tmp/trial.$((++trials))
    shift 2
    checks+=("$trials $(printf '%q ' "$@")")
    mkdir "$dir"
    printf '%s\n' "$script" >"$dir/script"
    while (($(jobs -rp | wc -l) >= 8)); do wait -n; done
    one_trial "$source" "$dir" "${measure[@]}" &
}
one_trial() { # SOURCE DIR [PROGRAM-BEFORE...]
    local source=$1 dir=$2 port server pipe begun most=${limit-}
    shift 2
    exec {pipe}< <(exec timeout 300 "$BIN/harness/http_server" "$dir/script")
    server=$!
    read -r -t 60 port <&"$pipe"
    begun=$SECONDS
    # Only who never gets its answer waits for the end of its time.
    [[ -n $most ]] || if grep -q -x -e hang -e 'drip 900' "$dir/script"; then most=3s; else most=20s; fi
    timeout 200 "${@/#DIR/$dir}" "$collect" --timeout "$most" --prometheus "http://127.0.0.1:$port" --source "$source" --end 2026-11-22T00:00:00Z --window 2h \
        <"$tmp/inventory" >"$dir/out" 2>"$dir/err"
    echo $? $((SECONDS - begun)) >"$dir/rc"
    read_out "$dir/out" >"$dir/said"
    [[ -z ${count-} ]] || curl --silent --noproxy '*' "http://127.0.0.1:$port/__count" >"$dir/count"
    kill "$server"
}
# What an artifact says in three lines: samples and maximum of CPU, of memory; codes of problems; records by the trailer.
read_out() {
    jq -rsc 'def short: if . == null then "-" else (.*1000|round/1000|tostring) end;
        ([.[]|select(.workload)][0].usage.containers.web | if . == null then "null"
            else [.cpu_millicores.samples, .cpu_millicores.max, .memory_bytes.samples, .memory_bytes.max] | map(short) | join(" ") end),
        ([.[].problems[]?.code] | unique | join(" ")), .[-1].end.records' "$1" 2>/dev/null
}
# Waits for all trials and checks them: $out, $err, $rc, $figures, $codes, $records
settle() {
    local check dir seconds
    wait
    for check in "${checks[@]}"; do
        dir=$tmp/trial.${check%% *}
        { out=$(<"$dir/out") err=$(<"$dir/err"); } 2>/dev/null
        { read -r figures; read -r codes; read -r records; } <"$dir/said"
        read -r rc seconds <"$dir/rc"
        eval "${check#* }" || diag "$dir: $err"
        [[ $err != *$'\e['* ]] || tap_result 1 "no control bytes on the terminal: $check"
        ((seconds < 150)) || tap_result 1 "within $seconds seconds: $check"
    done
    checks=()
}
well="120 100 120 1000150"

# expect NAME FIGURES CODES: the run ended well, with these
expect() {
    is "$rc: $figures | $codes" "0: $2 | $3" "$1"
    [[ $rc != 0 || $records == 1 ]] || tap_result 1 "$1: a whole artifact"
}
# looks NAME PATTERN: exit code, figures, codes and messages
looks() { like "$rc: $figures | $codes | $err" "$2" "$1"; }
# fatal NAME PATTERN: it ended with 69, said why, and left no trailer
fatal() {
    [[ $rc == 69 && $err =~ $2 && $out != *'"end"'* ]]
    tap_result $? "$1: exit 69, says why, no trailer" || diag "exit $rc, wanted $2"
}

index='on * /api/v1/series
body {"status":"success","data":[{"__name__":"container_memory_working_set_bytes","namespace":"shop","pod":"web-0","container":"web"},{"__name__":"container_cpu_usage_seconds_total","namespace":"shop","pod":"web-0","container":"web"}]}'
where='namespace="shop",pod="web-0",container="web"'
cpu="series __name__=\"container_cpu_usage_seconds_total\",$where,id=\"/a\""
memory="series __name__=\"container_memory_working_set_bytes\",$where,id=\"/a\""
cpu_well="$cpu
points $first 60 151 1000 6"
memory_well="$memory
points $first 60 151 1000000 1"

# frames DESCRIPTION: the lines of a rule that answers with these frames
frames() {
    local file
    file=$(mktemp "$tmp/frames.XXXXXX")
    "$BIN/harness/make_frames" <<<"$1" >"$file"
    printf 'header Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse\nbody-file %s\n' "$file"
}
reads() { printf '%s\non POST /api/v1/read\n%s\n' "$index" "$1"; }
# The first read asks whether there is such a thing.
probed() { reads $'times 1\nheader Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse\non POST /api/v1/read\n'"$1"; }
read_case() { trial remote-read "$(probed "$(frames "$4")")" expect "read: $1" "$2" "$3"; } # NAME FIGURES CODES DESCRIPTION
any_case() { trial remote-read "$(probed "$(frames "$3")")" looks "read: $1" "$2"; } # NAME PATTERN DESCRIPTION

# ---- remote read: what comes in frames --------------------------------------------------------------------------------
read_case "a good answer" "$well" "" "$cpu_well
$memory_well"
read_case "each series in a frame of its own" "$well" "" "$cpu_well
frame
$memory_well
frame"
read_case "a series that goes on in the next frame" "$well" "" "$cpu
points $first 60 70 1000 6
frame
$cpu
points $((first + 4200)) 60 81 1420 6
$memory_well"
read_case "wrong CRC" null metrics-error "frame crc=wrong
$cpu_well
$memory_well"
read_case "wrong CRC of the last frame" null metrics-error "$cpu_well
frame crc=wrong
$memory_well"
read_case "a frame that is cut" null metrics-error "$cpu_well
frame cut=40
$memory_well"
read_case "a frame that is cut in its checksum" null metrics-error "$cpu_well
$memory_well
raw 8401ab"
read_case "a frame of 2^60 bytes" null metrics-error "$cpu_well
frame length=1152921504606846976
$memory_well"
read_case "a length that does not end" null metrics-error "$cpu_well
$memory_well
raw ffffffffffffffffffffffff"
read_case "bytes that are no frames" null metrics-error "raw 3c68746d6c3e3c2f68746d6c3e0a0a0a"
# The CRC-32C of the bytes ff ff ff ff is ffffffff.
read_case "a frame that is no protobuf" null metrics-error "raw 04ffffffffffffffff"
read_case "an empty frame" "$well" "" "raw 0000000000
$cpu_well
$memory_well"
read_case "no frame at all" null no-data ""
read_case "series without samples" null no-data "$cpu
$memory"
read_case "one sample of each" "- - 1 5" partial-data "$cpu
sample $((end - 600)) 5
$memory
sample $((end - 600)) 5"
read_case "samples after the end of the window" "$well" "" "$cpu
points $first 60 400 1000 6
$memory
points $first 60 151 1000000 1
sample $((end + 60)) 9e15
sample 4102444800 1"
read_case "samples long before the window" "$well" "" "$cpu
sample 1000 999999
points $first 60 151 1000 6
$memory
sample 5 3
points $first 60 151 1000000 1"
read_case "chunks out of order" "$well" "" "$cpu
points $((first + 4200)) 60 81 1420 6
chunk
points $first 60 70 1000 6
$memory
points $((first + 6000)) 60 51 1000100 1
chunk
points $first 60 50 1000000 1
chunk
points $((first + 3000)) 60 50 1000050 1"
read_case "chunks told twice" "$well" "" "$cpu_well
chunk
points $first 60 100 1000 6
$memory_well
chunk
points $((first + 60)) 60 100 1000001 1"
read_case "chunks that overlap, samples in between" "240 100 240 2000" "" "$cpu
points $first 60 151 1000 6
chunk
points $((first + 30)) 60 151 1003 6
$memory
points $first 60 151 1000 0
chunk
points $((first + 30)) 60 150 2000 0"
read_case "samples out of order inside a chunk" "120 100 31 1000150" bad-chunk "$cpu_well
$memory
sample $((first + 60)) 1000001
sample $first 1000000
points $((first + 120)) 60 149 1000002 1"
read_case "histograms among the chunks" "$well" "" "$cpu
points $first 60 151 1000 6
chunk type=2
points $((first + 30)) 60 10 5 5
chunk type=3
points $((first + 30)) 60 10 5 5
$memory_well
series __name__=\"container_memory_working_set_bytes\",$where,id=\"/b\"
chunk type=2
points $first 60 100 9e9 1"
any_case "histograms are told" "^0: $well \\|  \\| .* 1 .*kinds that are not read" "$cpu_well
chunk type=2
points $((first + 30)) 60 10 5 5
$memory_well"
read_case "an encoding that nobody knows" "$well" "" "$cpu_well
chunk type=77
points $((first + 30)) 60 10 5 5
$memory_well"
read_case "stale markers" "$well" "" "$cpu
points $first 60 150 1000 6
sample $((end - 1)) stale
sample $end 1900
$memory
points $first 60 100 1000000 1
sample $((first + 5999)) stale
points $((first + 6000)) 60 51 1000100 1"
read_case "nothing but stale markers" null no-data "$cpu
sample $((end - 60)) stale
$memory
sample $((end - 60)) stale"
read_case "values that are no numbers" "$well" odd-samples "$cpu_well
chunk
sample $((first + 4000)) nan
sample $((first + 4001)) inf
sample $((first + 4002)) -inf
sample $((first + 4003)) -7
$memory_well
chunk
sample $((first + 4000)) nan
sample $((first + 4001)) inf
sample $((first + 4002)) -inf
sample $((first + 4003)) -7"
read_case "a counter that falls at every sample" "120 20000 120 1000150" counter-resets "$cpu
points $first 60 151 1500 -10
$memory_well"
read_case "two series of one run" "$well" duplicate-series "$cpu_well
${cpu%\"}\",job=\"other\"
points $first 60 100 7000 9
$memory_well"
read_case "a value as large as they get" "120 100 119 1" odd-samples "$cpu_well
$memory
points $first 60 150 1 0
sample $end 1.7976931348623157e308"
read_case "series of others" "$well" "" "series __name__=\"up\",job=\"x\"
points $first 60 100 1 0
series __name__=\"container_memory_working_set_bytes\",namespace=\"shop\",pod=\"web-1-not-asked\",container=\"web\"
points $first 60 100 9e12 0
series __name__=\"container_memory_working_set_bytes\",namespace=\"other\",pod=\"web-0\",container=\"web\"
points $first 60 100 9e12 0
series pod=\"web-0\"
points $first 60 100 9e12 0
$cpu_well
$memory_well"

# ---- chunks that are broken though their frame is not ---------------------------------------------------------------------
read_case "a chunk that is cut" "$well" bad-chunk "$cpu_well
$memory_well
chunk trim=30
points $((first + 30)) 60 100 7 3"
read_case "a chunk without bytes" "$well" bad-chunk "$cpu_well
$memory_well
chunk trim=9999
points $((first + 30)) 60 100 7 3"
read_case "a chunk that counts too many" "$well" bad-chunk "$cpu_well
$memory_well
chunk count=60000
points $((first + 30)) 60 100 7 3"
any_case "a chunk that counts none" "^0: $well \| (bad-chunk)? \|" "$cpu_well
$memory_well
chunk count=0
points $((first + 30)) 60 100 7 3"
any_case "chunks that lie about their times" "^0: (120 100 [0-9]+ 1000150 \| bad-chunk|$well \| (bad-chunk)?) \|" "$cpu_well
$memory
chunk min=1 max=2
points $first 60 151 1000000 1"
any_case "chunks that end before they begin" "^0: (120 100 [0-9]+ 1000150 \| bad-chunk|$well \| (bad-chunk)?) \|" "$cpu_well
$memory
chunk min=$((end * 1000)) max=$((first * 1000))
points $first 60 151 1000000 1"
# A bit in the times makes them disagree with what the chunk says of itself; one in a value cannot be found by anybody.
for bit in 3 9 17 30 41 62 70 71 80 81 90 120 200 300 500; do
    any_case "a chunk with bit $bit flipped" "^0: (120 100 120 [0-9.e+]+ \| |$well \| |120 100 [0-9]+ [0-9.e+]+ \| (bad-chunk|odd-samples))" "$cpu_well
$memory
points $first 60 110 1000000 1
chunk flip=$bit
points $((first + 6600)) 60 41 1000110 1"
done
settle

# ---- names of any bytes -----------------------------------------------------------------------------------------------
utf8() { # NAME: as if that container were not there, and the artifact is UTF-8 with it
    iconv -f UTF-8 -t UTF-8 <<<"$out" >"$tmp/utf8" 2>&1
    is "$? $rc: $figures" "0 0: $well" "$1"
}
for bytes in '\xff\xfe' '\xc3\x28' '\x00' '\x1b[2J' '\xed\xa0\x80' '\xf0\x9f\x98\x80' '\x22\x5c\x0a'; do
    trial remote-read "$(reads "$(frames "$cpu_well
$memory_well
series __name__=\"container_memory_working_set_bytes\",namespace=\"shop\",pod=\"web-0\",container=\"x${bytes}y\",job=\"$bytes\",id=\"${bytes}\"
points $first 60 100 7 1")")" utf8 "read: a container named by the bytes $bytes"
done

# ---- answers to a read that are none -------------------------------------------------------------------------------------
# refuse NAME PATTERN LINES-OF-THE-RULE: read is answered so every time, and so after a first one that was served: no figures
refuse() {
    trial remote-read "$(reads "$3")" looks "read: $1" "$2"
    trial remote-read "$(probed "$3")" looks "read, not the first: $1" '^0: null \| metrics-error '
}
none='^(69: .*|0: null \| metrics-error .*)'
refuse "401" "${none}401" 'status 401'
refuse "403" "${none}403" 'status 403'
refuse "404, asked for by name" '^69: .*404' 'status 404'
refuse "413" "${none}413" 'status 413'
refuse "429 for ever" "${none}429" $'status 429\nheader Retry-After: 0'
refuse "500" "${none}500" 'status 500'
refuse "503 for ever" "${none}503" $'status 503\nheader Retry-After: 0'
refuse "a web page" "$none(web page)" $'header Content-Type: text/html\nbody <!DOCTYPE html><title>Sign in</title>'
refuse "JSON" "$none" 'body {"status":"success","data":[]}'
refuse "closed" "$none" close
refuse "never answered" "$none( time)" hang
streamed=$(frames "$cpu_well
$memory_well")
refuse "cut on the wire" "$none" "$streamed
cut 700"
refuse "a body that stands still" "$none" "$streamed
repeat 30000 x
drip 900"
# To a reader of frames that are 60 million empty ones.
head -c 300000000 /dev/zero | { [[ -z ${SANITIZED-} ]] && cat || tr "\0" x; } | gzip -1 >"$tmp/bomb.gz"
refuse "a bomb of gzip" "$none" "header Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse
header Content-Encoding: gzip
body-file $tmp/bomb.gz"
# What was asked to wait a second waits that long.
waited() {
    expect "$1" "$2" "$3"
    ((seconds >= 1))
    tap_result $? "$1: after the second that was asked for"
}
for status in 429 503 500; do
    trial remote-read "$(probed "times 1
status $status
header Retry-After: 1
on POST /api/v1/read
$streamed")" waited "read: $status once" "$well" ""
done
# Auto goes on by query_range where read is not served, and says why.
fallback() { # WORDS LINES-OF-THE-RULE
    trial auto "$(reads "$2
on * /api/v1/query
body {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}")" looks "read: $1, auto asks query_range and says why" "^0: null \| no-data \| .*(query.range.*$1|$1.*query.range)"
}
for status in 404 400 405 501 403 500; do fallback $status "status $status"; done
fallback "web page" $'header Content-Type: text/html\nbody <!DOCTYPE html>'
fallback decompressed $'header Content-Type: application/x-protobuf\nheader Content-Encoding: snappy\nbody \x02\x04\x0a'
fallback streamed $'header Content-Type: application/x-protobuf\nbody \x02\x04\x0a'

# ---- series without end, in bounded memory -----------------------------------------------------------------------------
# Frames of one series go on and on: asked for, the store is full; not asked for, time runs out.
bounded() { # NAME PATTERN DIR: and in less than 64 MiB
    looks "$1" "$2"
    ((${SANITIZED:-0} || $(awk '{ print int($3 / 1024) }' "$tmp/$3") < 64))
    tap_result $? "$1: in less than 64 MiB" || diag "$(<"$tmp/$3")"
}
endless() { # NAME PATTERN SERIES
    local measure=("$BIN/harness/measure" "$tmp/measured.$((trials + 1))") limit=3s
    trial remote-read "$(probed "$(frames "$3")
again 20000
chunked")" bounded "read: $1" "$2" "measured.$((trials + 1))"
}
endless "the same samples without end" '^0: (null \| metrics-error|120 .*)' "$(for ((i = 0; i < 100; i++)); do echo "$cpu_well"; done)"
endless "series of others without end" '^0: null \| (metrics-error|no-data)' "$(for ((i = 0; i < 100; i++)); do
    printf 'series __name__="container_memory_working_set_bytes",namespace="shop",pod="other-%d",container="x"\npoints %d 15 240 1e6 77777\n' $i $first; done)"

# ---- query_range: what comes as a matrix ---------------------------------------------------------------------------------
# values FROM STEP COUNT VALUE GROWTH: pairs as an answer has them
values() { awk -v t="$1" -v s="$2" -v n="$3" -v v="$4" -v g="$5" 'BEGIN { for (i = 0; i < n; i++) printf "%s[%d,\"%.10g\"]", i ? "," : "", t + i * s, v + i * g }'; }
matrix() { printf 'body {"status":"success","data":{"resultType":"matrix","result":[%s]}}\n' "$1"; }
series() { printf '{"metric":{"pod":"web-0","container":"web"},"values":[%s]}' "$1"; }
matrix_cpu=$(matrix "$(series "$(values "$first" 60 151 0.1 0)")")
matrix_memory=$(matrix "$(series "$(values "$first" 60 151 1000000 1)")")
nothing=$(matrix '')
# questions CPU MEMORY: a whole server, with these lines of the rules that answer for CPU and memory
questions() {
    printf '%s\n' "$index" 'on * /api/v1/query_range' 'match max_over_time' "$2" 'on * /api/v1/query_range' 'match container_cpu_usage_seconds_total' "$1" \
        'on * /api/v1/query_range' "$nothing" 'on * /api/v1/query' 'match topk' \
        'body {"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"web-0","container":"web"},"value":['"$end"',"120"]}]}}' \
        'on * /api/v1/query' 'match container_memory_working_set_bytes' "$(matrix "$(series "$(values $((end - 7140)) 60 120 1 0)")")" 'on * /api/v1/query' "$nothing"
}
range_case() { trial query-range "$(questions "$4" "$5")" expect "range: $1" "$2" "$3"; } # NAME FIGURES CODES CPU MEMORY
range_case "a good answer" "$well" "" "$matrix_cpu" "$matrix_memory"
range_case "one that comes in pieces" "$well" "" "$matrix_cpu
chunked
drip 1" "$matrix_memory
chunked"
range_case "values that are no numbers" "119 100 118 1000150" odd-samples \
    "$(matrix "$(series "$(values "$first" 60 100 0.1 0),[$((first + 6000)),\"NaN\"],$(values $((first + 6060)) 60 50 0.1 0)")")" \
    "$(matrix "$(series "$(values "$first" 60 100 1000000 1),[$((first + 6000)),\"+Inf\"],[$((first + 6060)),\"-1\"],$(values $((first + 6120)) 60 49 1000102 1)")")"
range_case "samples after the end of the window" "$well" "" \
    "$(matrix "$(series "$(values "$first" 60 151 0.1 0),$(values $((end + 60)) 60 10 99 0)")")" "$matrix_memory"
range_case "no series" null no-data "$nothing" "$nothing"
range_case "series without samples" null no-data "$(matrix "$(series '')")" "$(matrix "$(series '')")"
range_case "one sample" "- - 1 5" partial-data "$nothing" "$(matrix "$(series "[$((end - 600)),\"5\"]")")"
range_case "series of others" "$well" "" "$(matrix "{\"metric\":{\"pod\":\"web-1-not-asked\",\"container\":\"web\"},\"values\":[$(values "$first" 60 151 77 0)]},$(series "$(values "$first" 60 151 0.1 0)")")" "$matrix_memory"
for bad in 'body {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"web-0","container":"web"},"values":[[1795300000,"1"],[17953' \
    'body [[[[[[[[[[[[[[[[[[[[[[[[' 'body {"status":"success","data":{"resultType":"matrix","result":"none"}}' 'body null' 'body' \
    'body {"status":"error","errorType":"internal","error":"out of luck"}' $'status 500\nbody {"status":"error","errorType":"internal","error":"out of luck"}' \
    'body {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"web-0","container":"web"},"values":[[1795300020,"twelve"]]}]}}' \
    'body {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"web-0","container":"web"},"values":[["now","12"]]}]}}' \
    $'header Content-Type: text/html\nbody <!DOCTYPE html>' $'status 401' $'status 403' close hang $'body {"status":"success"}\ncut 9' \
    $'repeat 20000 [\ndrip 900' "header Content-Encoding: gzip"$'\n'"body-file $tmp/bomb.gz"; do
    range_case "memory is answered by $(head -c 60 <<<"${bad//$'\n'/; }")" null metrics-error "$matrix_cpu" "$bad"
done
# Too much is asked in halves; where nothing is left to halve the records say so.
for words in 'status 422
body {"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}' \
    'status 503
body {"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}' 'status 413' 'status 429
header Retry-After: 0' 'status 400
body {"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}'; do
    range_case "once: $(head -n 1 <<<"$words"), $(tail -n 1 <<<"$words" | cut -c1-60)" "$well" "" "times 3
$words
on * /api/v1/query_range
match container_cpu_usage_seconds_total
$matrix_cpu" "$matrix_memory"
    range_case "always: $(head -n 1 <<<"$words")" null metrics-error "$matrix_cpu" "$words"
done
range_case "names of any bytes" "$well" "" "$matrix_cpu" \
    "$(matrix "$(series "$(values "$first" 60 151 1000000 1)"),{\"metric\":{\"pod\":\"web-0\",\"container\":\"\\u001b[2J\\ud83d\\ude00\\u0000x\"},\"values\":[$(values "$first" 60 3 1 1)]}")"
range_case "bytes that are no UTF-8" null metrics-error "$matrix_cpu" \
    "$(matrix "$(series "$(values "$first" 60 151 1000000 1)"),{\"metric\":{\"pod\":\"web-0\",\"container\":\"$(printf '\xff\xfe')\"},\"values\":[$(values "$first" 60 3 1 1)]}")"

# ---- before anything was served --------------------------------------------------------------------------------------------
bad() { # SCRIPT PATTERN NAME
    local source
    for source in auto remote-read query-range; do
        trial "$source" "$1" fatal "$source: $3" "$2"
    done
}
bad 'on * /
close' 'broke the connection: http://127.0.0.1' "a connection that is closed"
bad 'on * /
header Content-Type: text/html
body <!DOCTYPE html><title>Sign in</title>' 'web page' "a web page"
bad 'on * /
status 401' '\(401\)' "401"
bad 'on * /
status 403' '\(403\)' "403"
bad 'on * /
status 503
header Retry-After: 0' 'status 503' "503, three times"
bad 'on * /
hang' 'did not answer in time' "a server that never answers"
discovery() { trial query-range "$1" fatal "$3" "$2"; } # SCRIPT PATTERN NAME
discovery 'on * /
body {"status":"error","errorType":"bad_data","error":"no\u001b[2J way"}' 'bad_data: no.\[2J way' "status:error"
discovery 'on * /
status 422
body {"status":"error","errorType":"execution","error":"expanding series: no"}' 'execution' "a refusal by the API"
discovery 'on * /
body {"status":"success","data":[{"__name__":"x","pod":"p"},{"__n' 'cut its answer in the middle' "an answer cut by a proxy"
discovery 'on * /
repeat 1000 {"status":"success","data":[]}
cut 100' '(cut its answer|not what the Prometheus API gives)' "an answer cut on the wire"
# The server dies after it served the index once.
dies() {
    is "$rc: $codes" "0: metrics-error" "a server that dies later: exit 0 and a problem"
    (($(<"$tmp/trial.$1/count") <= 10))
    tap_result $? "it is asked no more after three silences of three tries" || diag "$(<"$tmp/trial.$1/count") requests"
}
count=1
trial query-range "on POST /api/v1/series
times 1
$(tail -n 1 <<<"$index")
on POST /
close" dies $((trials + 1))
count=''
settle
run "$collect" --prometheus http://127.0.0.1:1 <"$tmp/inventory"
fatal "nobody there" '127.0.0.1:1'
run env TARE_PROMETHEUS_URL="http://user:hush@127.0.0.1:1/?token=hush" "$collect" <"$tmp/inventory"
is "$rc" 69 "an address with secrets"
unlike "$out$err" hush "no secret is shown or written"
done_testing
