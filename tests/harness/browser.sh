# A headless browser for tests, driven over WebDriver with curl. Source it after tap.sh; browser_start, then the functions below.
#
#   browser_start                    # ends by itself with the test
#   browser_open "$tmp/page.html"; browser_view 360 light
#   is "$(js 'return document.title')" '"Resource plan"' "the title"
#
# It speaks to the loopback alone, in a profile of its own below $tmp. Pictures go to $browser_dir, for people to look at.
browser_dir=${BIN%/bin}/browser
AXE_VERSION=4.14.1

# wd METHOD PATH [JSON]: a call below the session; prints the value as JSON, "null" and a line on stderr for an error.
wd() {
    local answer
    answer=$(curl -sS --max-time 160 -X "$1" "http://127.0.0.1:$browser_port/session${browser_session:+/$browser_session}${2}" \
        -H 'Content-Type: application/json' ${3+--data-binary @-} <<<"${3-}") || return 1
    jq -c 'if (.value | type) == "object" and .value.error then (.value.error + ": " + (.value.message | split("\n")[0]) | halt_error(1)) else .value end' <<<"$answer"
}

browser_start() {
    local flags='["--headless=new","--disable-gpu","--no-first-run","--disable-dev-shm-usage","--disable-background-networking","--disable-component-update","--disable-sync"'
    need chromium chromedriver curl jq
    # A browser does not isolate itself when root runs it.
    ((EUID == 0)) && flags+=',"--no-sandbox"'
    mkdir -p "$browser_dir" "$tmp/profile"
    HOME=$tmp/profile chromedriver --port=0 >"$tmp/driver.out" 2>"$tmp/driver.err" &
    browser_pid=$!
    at_exit browser_stop
    browser_port='' browser_session=''
    for _ in {1..600}; do
        browser_port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$tmp/driver.out")
        [[ -n $browser_port ]] && break
        sleep 0.1
    done
    browser_session=$(wd POST '' "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\",\"timeouts\":{\"script\":150000},\"goog:loggingPrefs\":{\"browser\":\"ALL\"},
        \"goog:chromeOptions\":{\"binary\":\"$(command -v chromium)\",\"args\":$flags,\"--user-data-dir=$tmp/profile/data\"]}}}}" | jq -r .sessionId)
    if [[ -z $browser_session || $browser_session == null ]]; then
        echo "Bail out! no browser: $(tail -3 "$tmp/driver.err")"
        tap_done=1
        exit 1
    fi
}

browser_stop() {
    [[ -n ${browser_session:-} ]] && wd DELETE ''
    kill "$browser_pid"
    wait "$browser_pid"
}

# browser_open FILE: loads a page; what it complained of before is forgotten.
browser_open() {
    wd POST /se/log '{"type":"browser"}' >/dev/null
    wd POST /url "{\"url\":\"file://$1\"}" >/dev/null
}

# cdp METHOD JSON: a call of the browser's own protocol.
cdp() { wd POST /goog/cdp/execute "{\"cmd\":\"$1\",\"params\":$2}"; }

# browser_view WIDTH light|dark [screen|print [HEIGHT]]: what lies below the height is not drawn, and no test sees it.
browser_view() {
    cdp Emulation.setDeviceMetricsOverride "{\"width\":$1,\"height\":${4:-900},\"deviceScaleFactor\":1,\"mobile\":$(((${1} < 700)) && echo true || echo false)}" >/dev/null
    cdp Emulation.setEmulatedMedia "{\"media\":\"${3:-screen}\",\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$2\"}]}" >/dev/null
}

# js SCRIPT: runs it in the page and prints what it returns as JSON.
js() { wd POST /execute/sync "$(jq -cn --arg s "$1" '{script: $s, args: []}')"; }

# What the page complained of: errors, refusals of the content policy.
browser_complaints() { wd POST /se/log '{"type":"browser"}' | jq -r '.[] | select(.level != "INFO" and .level != "DEBUG") | .message'; }

# browser_picture NAME: the top of the page as $browser_dir/NAME.png.
browser_picture() { wd GET /screenshot | jq -r . | base64 -d >"$browser_dir/$1.png"; }

# Fetches axe-core once.
axe_get() {
    axe=$browser_dir/node_modules/axe-core/axe.min.js
    [[ -f $axe ]] && grep -q "\"version\": \"$AXE_VERSION\"" "$browser_dir/node_modules/axe-core/package.json" && return 0
    need npm
    (cd "$browser_dir" && npm install --prefix . --no-audit --no-fund --ignore-scripts --loglevel=error "axe-core@$AXE_VERSION") >&2
}

# axe_violations: the rules that the page breaks seriously, with the first places; nothing is best.
axe_violations() {
    jq -cn --rawfile axe "$axe" '{script: $axe, args: []}' >"$tmp/axe.json"
    curl -sS --max-time 160 "http://127.0.0.1:$browser_port/session/$browser_session/execute/sync" -H 'Content-Type: application/json' --data-binary "@$tmp/axe.json" >/dev/null
    wd POST /execute/async "$(jq -cn --arg s "const done = arguments[arguments.length - 1];
        axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations.map((v) => [v.impact, v.id, v.nodes.length, v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0] ? n.any[0].message : ''))])),
            (e) => done([['critical', 'axe', String(e)]]));" '{script: $s, args: []}')"
}
