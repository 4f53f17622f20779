# Workloads on a whole control plane, for tests in bash: source it after kube.sh, when kube_cluster or kube_start with all programs ran.
#
#   kube_workload KIND NAME [KEY=VALUE…]  prints the manifest of one, in $namespace. KIND: deployment, statefulset, daemonset, cronjob.
#       replicas=1 cpu=500m memory=256Mi limit_memory=256Mi limit_cpu= (empty: absent) · init=1 sidecar=1 more=1 (more containers)
#       update=Recreate|OnDelete|partition:N · deadline=SECONDS (progress) · paused=true · label=KEY:VALUE
#       what goes wrong (tests/cluster/stages.yaml): fail= fine= after= ready= resize=
#   kube_workloads COUNT [KEY=VALUE…]     prints COUNT of several kinds and shapes, w001 …; the values are for all of them
#   kube_make FILE                        creates what FILE has, and waits until all of $namespace is rolled out
#   kube_settled                          waits until every rollout in $namespace is at its end; fails after 90 s
#   kube_settled_but "NAME…"              every one but these
#   kube_snapshot                         prints the workloads of $namespace as they are, without managedFields, resourceVersion,
#                                         generation, status and the revision: equal texts are equal objects. (A DaemonSet's generation
#                                         of its template is such a number, too: the API server itself counts it up, nobody can set it)
#   kube_resources [KIND/NAME]            CONTAINER REQUESTS LIMITS a line, of one workload or as KIND/NAME … of all
#   kube_pods NAME                        the pods of a workload: NAME UID RESTARTS READY, a line each

# Prints `KEY: VALUE` where there is a value.
kube_field() { [[ -z $2 ]] || printf '%s: %s' "$1" "$2"; }

kube_workload() {
    local kind=$1 name=$2 word
    local replicas=1 cpu=500m memory=256Mi limit_memory=256Mi limit_cpu='' init='' sidecar='' more='' update='' deadline='' paused='' label=''
    local fail='' fine='' after='' ready='' resize='' requests limits template notes='' spec
    shift 2
    for word in "$@"; do
        [[ ${word%%=*} =~ ^(replicas|cpu|memory|limit_memory|limit_cpu|init|sidecar|more|update|deadline|paused|label|fail|fine|after|ready|resize)$ ]] ||
            return 64
        printf -v "${word%%=*}" '%s' "${word#*=}"
    done
    requests=$(kube_field cpu "$cpu")${cpu:+${memory:+, }}$(kube_field memory "$memory")
    limits=$(kube_field cpu "$limit_cpu")${limit_cpu:+${limit_memory:+, }}$(kube_field memory "$limit_memory")
    for word in fail="$fail" fine-at="$fine" after="$after" ready-after="$ready" resize="$resize"; do
        [[ -z ${word#*=} ]] || notes+="${notes:+, }tare.test/${word%%=*}: \"${word#*=}\""
    done
    template="metadata: {labels: {app: $name}, annotations: {$notes}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: app, image: \"app:1\", resources: {requests: {$requests}, limits: {$limits}}}
  ${more:+- {name: more, image: \"more:1\", resources: {requests: {cpu: 200m, memory: 64Mi, ephemeral-storage: 1Gi\}\}\}}
  ${init:+${sidecar:+initContainers:
  - {name: first, image: \"first:1\", resources: {requests: {cpu: 100m\}\}\}
  - {name: beside, image: \"beside:1\", restartPolicy: Always, resources: {requests: {cpu: 50m\}\}\}}}"
    [[ $kind != cronjob ]] || template=${template/spec:/spec:
  restartPolicy: Never}
    spec="selector: {matchLabels: {app: $name}}"$'\n'"template:"$'\n'$(sed 's/^/  /' <<<"$template")
    [[ -z $deadline ]] || spec+=$'\n'"progressDeadlineSeconds: $deadline"
    [[ -z $paused ]] || spec+=$'\n'"paused: $paused"
    case $kind:$update in
        deployment:Recreate) spec+=$'\n'"strategy: {type: Recreate}" ;;
        statefulset:partition:*) spec+=$'\n'"updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: ${update#*:}}}" ;;
        statefulset:OnDelete | daemonset:OnDelete) spec+=$'\n'"updateStrategy: {type: OnDelete}" ;;
    esac
    case $kind in
        deployment | statefulset) spec+=$'\n'"replicas: $replicas" ;;
        cronjob) spec="schedule: \"0 3 29 2 *\""$'\n'"jobTemplate:"$'\n'"  spec:"$'\n'"    template:"$'\n'$(sed 's/^/      /' <<<"$template") ;;
    esac
    [[ $kind != statefulset ]] || spec+=$'\n'"serviceName: $name"$'\n'"podManagementPolicy: Parallel"
    case $kind in
        deployment) printf -- '---\napiVersion: apps/v1\nkind: Deployment\n' ;;
        statefulset) printf -- '---\napiVersion: apps/v1\nkind: StatefulSet\n' ;;
        daemonset) printf -- '---\napiVersion: apps/v1\nkind: DaemonSet\n' ;;
        cronjob) printf -- '---\napiVersion: batch/v1\nkind: CronJob\n' ;;
        *) return 64 ;;
    esac
    printf 'metadata: {name: %s, namespace: %s, labels: {app: %s%s}, annotations: {note: kept}}\nspec:\n' "$name" "$namespace" "$name" \
        "${label:+, ${label%%:*}: ${label#*:}}"
    sed 's/^/  /; /^ *$/d' <<<"$spec"
}

# Shapes by turns: no limits, a CPU limit, several containers, replicas; most of them Deployments, as clusters are.
kube_workloads() {
    local count=$1 number name
    shift
    for ((number = 1; number <= count; number++)); do
        printf -v name 'w%03d' "$number"
        case $((number % 10)) in
            1 | 2) kube_workload deployment "$name" "$@" ;;
            3) kube_workload deployment "$name" limit_memory= "$@" ;;
            4) kube_workload deployment "$name" limit_cpu=1 memory=128Mi more=1 "$@" ;;
            5) kube_workload deployment "$name" init=1 sidecar=1 replicas=2 "$@" ;;
            6) kube_workload deployment "$name" update=Recreate memory= limit_memory= "$@" ;;
            7) kube_workload statefulset "$name" replicas=2 "$@" ;;
            8) kube_workload statefulset "$name" more=1 "$@" ;;
            9) kube_workload cronjob "$name" "$@" ;;
            0) if ((number % 20 == 0)); then kube_workload daemonset "$name" "$@"; else kube_workload deployment "$name" cpu=250m "$@"; fi ;;
        esac || return
    done
}

kube_make() {
    kube create -f "$1" >"$tmp/make.log" 2>&1 || { diag "$(tail -3 "$tmp/make.log")"; return 1; }
    kube_settled
}

# What is not at the end of its rollout, a line each; those that are paused or updated by hand are as far as they will come.
kube_unsettled() {
    local all
    all=$(kube get deployments,statefulsets,daemonsets -n "$namespace" -o json) || { echo "none/unknown"; return; }
    jq -r '.items[] | .status as $is | .spec as $wants |
        select(($is.observedGeneration // 0) < .metadata.generation or
            if .kind == "Deployment" then $wants.paused != true and ($is.updatedReplicas // 0) < $wants.replicas or
                (($is.replicas // 0) != $wants.replicas or ($is.availableReplicas // 0) < $wants.replicas)
            elif .kind == "StatefulSet" then ($is.readyReplicas // 0) < $wants.replicas or
                ($wants.updateStrategy.type == "RollingUpdate" and ($wants.updateStrategy.rollingUpdate.partition // 0) == 0
                 and $is.currentRevision != $is.updateRevision)
            else ($is.desiredNumberScheduled // 0) == 0 or ($is.numberAvailable // 0) < $is.desiredNumberScheduled or
                ($wants.updateStrategy.type == "RollingUpdate" and ($is.updatedNumberScheduled // 0) < $is.desiredNumberScheduled) end)
        | "\(.kind)/\(.metadata.name)"' <<<"$all"
}

kube_settled() { kube_settled_but ''; }
kube_settled_but() {
    local but=" $1 " i left name
    for ((i = 0; i < 360; i++)); do
        left=$(kube_unsettled | while read -r name; do [[ $but == *" ${name#*/} "* ]] || printf '%s ' "$name"; done)
        [[ -n $left ]] || return 0
        sleep 0.25
    done
    diag "not rolled out: $left"
    return 1
}

kube_snapshot() {
    kube get deployments,statefulsets,daemonsets,cronjobs,horizontalpodautoscalers -n "$namespace" -o json | jq -S '.items | sort_by(.kind, .metadata.name)[]
        | del(.status, .metadata.managedFields, .metadata.resourceVersion, .metadata.generation,
              .metadata.annotations["deployment.kubernetes.io/revision"], .metadata.annotations["deprecated.daemonset.template.generation"])
        | if .metadata.annotations == {} then del(.metadata.annotations) else . end'
}

kube_resources() {
    local one=${1-}
    kube get "${one:-deployments,statefulsets,daemonsets,cronjobs}" -n "$namespace" -o json | jq -r --arg one "$one" '(.items // [.])[] |
        "\(.kind | ascii_downcase)/\(.metadata.name) " as $name | (.spec.jobTemplate.spec.template // .spec.template).spec
        | ((.initContainers // []) + .containers)[]
        | "\(if $one == "" then $name else "" end)\(.name) \(.resources.requests // {} | tojson) \(.resources.limits // {} | tojson)"'
}

kube_pods() {
    kube get pods -n "$namespace" -l "app=$1" -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null) |
        "\(.metadata.name) \(.metadata.uid) \([.status.containerStatuses[]?.restartCount] | add // 0) \([.status.conditions[]? | select(.type == "Ready")][0].status)"' | sort
}
