# The demo shop for end-to-end tests: source it after tap.sh. It serves the shop's metrics (made once a day, in the build folder), copies the
# manifests to $shop, and gives the test a private ledger of its own in $TARE_STATE_DIR. Everything ends with the test.
need prometheus promtool jq git patch
servers=$root/fixtures/demo/servers.sh
metrics_dir=$(dirname "$BIN")/check-metrics
export TARE_STATE_DIR
state_parent=$(mktemp -d /tmp/tare-state.XXXXXX)
chmod 755 "$state_parent" # root's Postgres runs as another user, who must get through
TARE_STATE_DIR=$state_parent/ledger
unset TARE_DATABASE_URL TARE_CONFIG TARE_NOW TARE_PROMETHEUS_URL
tare=$BIN/tare

shop_down() {
    "$tare" server stop --quiet
    rm -rf "$state_parent"
    # Tests run side by side and share the server: the last one out ends it.
    flock -u 7
    flock -n -x 7 && "$servers" stop "$metrics_dir"
}
mkdir -p "$metrics_dir"
exec 7>"$metrics_dir/users.lock"
flock -s 7
at_exit shop_down

"$servers" start "$metrics_dir" >"$tmp/servers.log" 2>&1 7>&- || { cat "$tmp/servers.log"; echo "Bail out! no metrics server"; exit 1; }
end=$(cat "$metrics_dir/end")
prometheus=$("$servers" status "$metrics_dir")
shop=$tmp/shop
mkdir -p "$shop"
cp -R "$root/fixtures/demo/manifests" "$shop/"
sed "s|http://127.0.0.1:9090|$prometheus|" "$root/fixtures/demo/tare.yaml" >"$shop/tare.yaml"
cd "$shop" || exit 1

# Member $1 of the JSON in $out.
json() { jq -r "$1" <<<"$out"; }
# The records of an artifact alone: what must be the same whenever the input is.
records() { sed '1d;$d'; }
# One digest for all manifests.
tree() { (cd "$shop" && find manifests -type f | sort | xargs sha256sum | sha256sum); }
