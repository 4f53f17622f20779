# What tare-diff needs, without metrics and prices: recommendations made up for a real inventory. Source it behind tap.sh; needs jq.

# recommend FILTER: an inventory on stdin as `costs`; the filter turns a container into its recommendation.
recommend() {
    jq -c --slurp '(map(select(.workload or .note)) | map(if .workload then .recommendation = {action: "resize", containers:
        (.workload.containers | map({key: .name, value: ('"$1"')}) | from_entries)} else . end)) as $records |
        ({tare: "costs", version: 1, created: "2026-11-22T03:00:00Z", by: "test", settings: .[0].settings}, $records[],
         {end: {records: ($records | length), workloads: ($records | map(select(.workload)) | length), skipped: {},
                problems: ($records | map((.problems // [] | length) + (if .note.outcome == "error" then 1 else 0 end)) | add)}})'
}
