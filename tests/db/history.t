#!/usr/bin/env bash
# Daily extremes of series: what a run may know of the past, as it stood before the run began, whatever is stored later.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$(dirname "$0")/server.sh"

row() { # NAME DAY MINIMUM MAXIMUM SAMPLES [NAMESPACE]
    printf '{"namespace":"%s","kind":"Deployment","name":"%s","container":"c","series":"cpu_millicores","day":"%s","minimum":%s,"maximum":%s,"mean":5,"samples":%s}' \
        "${6:-shop}" "$1" "$2" "$3" "$4" "$5"
}
put() { # LOGIN CLUSTER ROWS...
    local login=$1 cluster=$2 rows=$3
    shift 3
    while (($#)); do rows+=,$1 && shift; done
    as "$login" "select tare.series_put('$cluster', '[$rows]')"
}
while (($(date +%s) % 86400 > 86400 - 180)); do sleep 1; done # days are counted here: not over midnight
today=$(date -u +%F)
day() { date -u -d "$today $1 days ago" +%F; }
# A run of namespaces $1 (a list for SQL) that begins when the clock has passed what was stored so far.
new_run() {
    sleep 1.1
    as op "select tare.run_create('${2:-prod}', 'files', '0.1.0', null, '{}')" >"$tmp/id"
    as op "select tare.run_namespaces($(cat "$tmp/id"), '{$1}')" >/dev/null
    cat "$tmp/id"
}
# Maxima that a run is told, as they come.
told() { # LOGIN RUN [LIMIT] [AFTER]
    as "$1" "select coalesce(string_agg(format('%s/%s/%s=%s', r.namespace, r.name, r.day, r.maximum), ' ' order by n), '')
        from (select p.*, row_number() over () as n from tare.history_page($2, 90, '${4:-{\}}', ${3:-100}) p) r"
}

is "$(put op prod "$(row cart "$(day 3)" 2 9 20)" "$(row cart "$(day 2)" 2 10 24)" "$(row till "$(day 2)" 1 7 24 pay)")" 3 "three days are stored"
is "$(put op prod "$(row cart "$(day 3)" 2 9 20)" "$(row cart "$(day 2)" 2 10 24)")" 0 "the same again adds nothing"
first=$(new_run shop)
before="shop/cart/$(day 2)=10 shop/cart/$(day 3)=9"
is "$(told op "$first")" "$before" "a run is told of its namespaces"
is "$(put op prod "$(row cart "$(day 3)" 3 8 22)")" 1 "a longer view of a day"
is "$(put op prod "$(row cart "$(day 2)" 1 12 10)" "$(row cart "$(day 1)" 2 30 24)")" 2 "a wider one, and a new day"
is "$(told op "$first")" "$before" "what is stored later changes nothing for it"
second=$(new_run shop,pay)
after="shop/cart/$(day 1)=30 shop/cart/$(day 2)=12 shop/cart/$(day 3)=9 pay/till/$(day 2)=7"
is "$(told op "$second")" "$after" "a later run is told of the wider extremes, one row a day"
is "$(as op "select r.samples || ' ' || r.minimum from tare.history_page($second, 90, '{}', 100) r
    where r.name = 'cart' and r.day = '$(day 2)'")" "24 1" "with the longest view's hours"
pages='' last='{}'
for ((i = 0; i < 5; i++)); do
    one=$(told op "$second" 1 "$last")
    [[ -n $one ]] || break
    pages+=" $one"
    last=$(as op "select to_jsonb(r) from tare.history_page($second, 90, '$last', 1) r")
done
is "$pages" " $after" "row by row it is the same"

put op prod "$(row cart "$(day 91)" 2 99 24)" "$(row cart "$(day 90)" 2 98 24)" "$(row cart "$(day -1)" 2 97 24)" >/dev/null
put op other "$(row cart "$(day 1)" 2 96 24)" >/dev/null
third=$(new_run shop)
like "$(told op "$third")" "=98( |\$)" "90 days back are told"
unlike "$(told op "$third")" "=9[967]" "not 91, nor tomorrow, nor another cluster"

# Namespaces.
as boss "create role team login in role tare_operator" >/dev/null
as adm "select tare.grant_namespace('team', 'shop', 'prod')" >/dev/null
is "$(told team "$second")" "" "who does not see the run is told nothing"
like "$(told team "$first")" "=10" "who does, is"
is "$(put team prod "$(row till "$(day 1)" 0 1000 24 pay)")" 0 "nobody stores what is not theirs to see"
is "$(as team "select count(*) from tare.series_history where namespace = 'pay'")" 0 "nor reads it"
is "$(put op prod "$(row 'a\"b' "$(day 1)" null 1e300 null "x\\u0027; drop table tare.run; --")")" 1 "hostile names are names"

is "$(put op prod "$(row odd "$(day 1)" '"NaN"' '"Infinity"' 3)" "$(row odd "$(day 2)" 9 1 3)" "$(row odd "$(day 3)" null 1 3)" "$(row fine "$(day 3)" 1 1 3)")" 4 "odd numbers"
odd=$(new_run shop)
unlike "$(told op "$odd")" 'shop/odd' "are kept from a run"
like "$(told op "$odd")" 'shop/fine/' "beside others that are told"

# Two at once about one day: the wider of both.
{ put op prod "$(row race "$(day 1)" 5 50 3)"; } >/dev/null & { put op2 prod "$(row race "$(day 1)" 1 20 3)"; } >/dev/null & wait $!; wait
is "$(as op "select max(maximum) || ' ' || min(minimum) from (select distinct on (day) * from tare.series_history
    where name = 'race' order by day, seen_at desc) x")" "50 1" "two runs at once lose nothing of each other"
refused view "select tare.series_put('prod', '[]')" TA077 "a viewer stores nothing"
done_testing
