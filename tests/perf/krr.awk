# Makes the configuration of curl that asks a Prometheus what KRR 1.x (d6baa745) asks for workloads in its default settings: six questions a
# run, then seven a container. Reads NAMESPACE<TAB>KIND<TAB>NAME<TAB>POD of Deployments with one container each, a workload's lines beside each other.
# Variables: url, end (a time; KRR gives none and so asks up to now), container, most (workloads; 0: all).
function ask(path, fields, query) {
    gsub(/\\/, "\\\\", query)
    gsub(/"/, "\\\"", query)
    printf "%surl = \"%s%s\"\noutput = \"/dev/null\"\nwrite-out = \"%%{http_code} %%{size_download}\\n\"\n", count++ ? "next\n" : "", url, path
    printf "data-urlencode = \"query=%s\"\n%s", query, fields
}
function instant(query) { ask("/api/v1/query", "data-urlencode = \"time=" end "\"\n", query) }
function workload(    of, selector) {
    of = ", namespace=\"" namespace "\"}"
    selector = "{namespace=\"" namespace "\", pod=~\"" pods "\", container=\"" container "\"}"
    instant("kube_replicaset_owner{owner_name=\"" name "\", owner_kind=\"Deployment\"" of "[14d]")
    instant("last_over_time(kube_pod_owner{owner_name=~\"" owners "\", owner_kind=\"ReplicaSet\"" of "[14d])")
    instant("kube_pod_status_phase{phase=\"Running\", pod=~\"" pods "\"" of " == 1")
    instant("quantile_over_time(0.95, max(rate(container_cpu_usage_seconds_total" selector "[75s])) by (container, pod, job)[14d:75s])")
    instant("max_over_time(max(container_memory_working_set_bytes" selector ") by (container, pod, job)[14d:75s])")
    instant("count_over_time(max(container_cpu_usage_seconds_total" selector ") by (container, pod, job)[14d:75s])")
    instant("count_over_time(max(container_memory_working_set_bytes" selector ") by (container, pod, job)[14d:75s])")
}
BEGIN {
    FS = "\t"
    instant("example")
    ask("/api/v1/query_range", "data-urlencode = \"start=" end "\"\ndata-urlencode = \"end=" end "\"\ndata-urlencode = \"step=3600\"\n", "max(prometheus_tsdb_head_series)")
    instant("sum(max by (instance) (machine_memory_bytes{ }))")
    instant("sum(max by (instance) (machine_cpu_cores{ }))")
    instant("sum(max(kube_pod_container_resource_requests{namespace='kube-system', resource='memory'}) by (job, pod, container))")
    instant("sum(max(kube_pod_container_resource_requests{namespace='kube-system', resource='cpu'}) by (job, pod, container))")
}
$3 != name {
    if (name != "") workload()
    if (most > 0 && workloads == most) { name = ""; exit }
    workloads++
    namespace = $1; name = $3; pods = ""; owners = $4
    sub(/-[^-]*$/, "", owners)
}
{ pods = pods (pods == "" ? "" : "|") $4 }
END { if (name != "") workload() }
