#!/bin/bash
# The programs of the test control plane: kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, helm, kustomize; kwok.
#
#   tests/cluster/tools.sh build   builds them unless they are there; prints the folder they are in
#   tests/cluster/tools.sh path    prints that folder, or exits 69 when they are not built
#   tests/cluster/tools.sh kwok    prints the folder of kwok, or exits 69: it is of a module of its own (kwok/)
#   tests/cluster/tools.sh kinds   prints a folder with the definitions of kinds (CRDs) as VerticalPodAutoscaler and KEDA ship them
#
# They are built once a version, into ${XDG_CACHE_HOME:-~/.cache}/tare-test/KEY: `make clean` and other clones leave
# them alone, and removing tare-test is safe at any time. Exit 69: there is neither a Go that is new enough nor a way to one.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd) || exit 70
programs=(kube-apiserver kube-controller-manager kube-scheduler kubectl)
others=(helm.sh/helm/v3/cmd/helm sigs.k8s.io/kustomize/kustomize/v5)

# What an older Go fetches once: the toolchain is a module like any other, pinned by version and digest.
go_minimum=1.24
go_version=1.24.13
go_digests='
amd64 h1:5sgfUhn9QCgVl4UYj32GrIYFHI3bi2UX55tNfupXwxc=
'
# Modules whose files define kinds: the path of the file in it, module, version, digest of the module.
kinds="
deploy/vpa-v1-crd-gen.yaml k8s.io/autoscaler/vertical-pod-autoscaler v1.5.1 h1:LlVtM3IKqIVHz1ZXC3ahe/mAtDWb7Eob0tyTzqFULqg=
config/crd/bases/keda.sh_scaledobjects.yaml github.com/kedacore/keda/v2 v2.18.1 h1:h6bRt/IOxxtZpJlHSqhdH/lcInH7Z9obxg/JvWOmGAw=
"
EX_UNAVAILABLE=69 EX_SOFTWARE=70 EX_CANTCREAT=73 EX_TEMPFAIL=75

say() { printf 'tools.sh: %s\n' "$*" >&2; }
die() { local status=$1; shift; say "$*"; exit "$status"; }

cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
[[ $cache == /?* && $cache != /.cache ]] || die $EX_CANTCREAT "neither XDG_CACHE_HOME nor HOME says where to keep programs"
cache+=/tare-test

# Changes when anything does that the programs are made of; not with the Go that builds them.
key() { { declare -f compile && cat "$here"/{main.go,go.mod,go.sum}; } | sha256sum | cut -c1-16; }
kwok_key() { { declare -f compile_kwok && cat "$here"/kwok/go.{mod,sum}; } | sha256sum | cut -c1-16; }

# Whether Go $1 (as "go1.24.3") is at least go_minimum.
new_enough() {
    local version=${1#go}
    [[ $version =~ ^[0-9]+\.[0-9]+ ]] && [[ $(printf '%s\n' "$go_minimum" "$version" | sort -V | head -1) == "$go_minimum" ]]
}

# The newest Go here: that of PATH, or one of Debian's that PATH does not name.
find_go() {
    local go version best=
    for go in "$(command -v go)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
        [[ -x $go ]] && version=$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) || continue
        new_enough "$version" && printf '%s\n' "$go" && return 0
        best=${best:-$go}
    done
    [[ -n $best ]] && printf '%s\n' "$best"
}

# Fetches the toolchain with the Go $1 and prints the path of its `go`. Modules carry no execute bits.
fetch_go() {
    local go=$1 arch digest module folder=$cache/go$go_version info new
    [[ -x $folder/bin/go ]] && printf '%s\n' "$folder/bin/go" && return 0
    arch=$("$go" env GOARCH)
    digest=$(awk -v arch="$arch" '$1 == arch { print $2 }' <<<"$go_digests")
    [[ -n $digest ]] || die $EX_UNAVAILABLE "no Go $go_version is known for $arch; hint: install Go $go_minimum or later"
    say "fetching Go $go_version (about 80 MB, once), because $("$go" env GOVERSION) is older than $go_minimum"
    module=golang.org/toolchain@v0.0.1-go$go_version.linux-$arch
    info=$(cd / && GOFLAGS=-modcacherw "$go" mod download -json "$module") || {
        printf '%s\n' "$info" >&2
        die $EX_UNAVAILABLE "Go $go_version could not be fetched"
    }
    [[ $(sed -n 's/.*"Sum": "\(.*\)".*/\1/p' <<<"$info") == "$digest" ]] ||
        die $EX_UNAVAILABLE "the Go that was fetched is not the one that was pinned"
    new=$(mktemp -d "$cache/go.XXXXXX") || exit $EX_CANTCREAT
    cp -R "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$info")/." "$new" &&
        chmod -R u+w "$new" && chmod 755 "$new" "$new"/bin/* "$new"/pkg/tool/*/* && mv "$new" "$folder" || exit $EX_CANTCREAT
    printf '%s\n' "$folder/bin/go"
}

# Gets the modules of the packages $3… first: without them nothing is wrong with the sources, only with the network.
fetch_modules() {
    local go=$1 messages=$2
    shift 2
    "$go" list -deps "$@" >/dev/null 2>"$messages" && rm -f "$messages" && return 0
    grep -v '^go: downloading' "$messages" | tail -20 >&2
    return 1
}

# The version of module $1 without its v.
version_of() { awk -v module="$1" '$1 == module { print substr($2, 2); exit }' go.mod; }

# Builds everything into folder $1 with the Go $2, at once: what the programs share is compiled once.
compile() {
    local new=$1 go=$2 program kubernetes minor stamp=k8s.io/component-base/version chart=helm.sh/helm/v3/pkg
    kubernetes=$(version_of k8s.io/kubernetes) minor=$(version_of k8s.io/kubernetes | cut -d. -f2)
    # No debugging information (-s -w would drop it only when linking), and a compiler that spends memory rather than time: a quarter less.
    export GOGC=400
    # Releases are stamped by their makers. Without: kubectl refuses the server, and Helm takes it for Kubernetes 1.20.
    "$go" build -buildvcs=false -o "$new/" -gcflags=all=-dwarf=false -ldflags "-s -w \
        -X $stamp.gitVersion=v$kubernetes -X $stamp.gitMajor=1 -X $stamp.gitMinor=$minor \
        -X $chart/chartutil.k8sVersionMajor=1 -X $chart/chartutil.k8sVersionMinor=$minor \
        -X $chart/lint/rules.k8sVersionMajor=1 -X $chart/lint/rules.k8sVersionMinor=$minor \
        -X helm.sh/helm/v3/internal/version.version=v$(version_of helm.sh/helm/v3)" . "${others[@]}" || return
    for program in "${programs[@]}"; do
        ln -s kube "$new/$program" || return
    done
}

# kwok 0.7 does not compile with the Kubernetes libraries of 1.34: it has its own.
compile_kwok() {
    local new=$1 go=$2
    export GOGC=400
    "$go" build -buildvcs=false -o "$new/" -gcflags=all=-dwarf=false \
        -ldflags "-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=v$(version_of sigs.k8s.io/kwok)" sigs.k8s.io/kwok/cmd/kwok
}

# build FOLDER SOURCES MINUTES COMPILE PACKAGE…: in a subshell, since it ends with the first failure.
build() (
    folder=$cache/$1 sources=$2 minutes=$3 compile=$4 started=$SECONDS
    shift 4
    [[ -d $folder ]] && printf '%s\n' "$folder" && return 0
    mkdir -p "$cache" || exit $EX_CANTCREAT
    # Two builds at once would take twice as long, and not be done sooner.
    exec 9>"$cache/lock"
    flock -w 3600 9 || die $EX_TEMPFAIL "another build in $cache does not end"
    [[ -d $folder ]] && printf '%s\n' "$folder" && return 0
    go=$(find_go) || die $EX_UNAVAILABLE "Go is not installed; hint: .ci/setup check"
    new_enough "$(GOTOOLCHAIN=local "$go" env GOVERSION)" || go=$(fetch_go "$go") || exit
    say "building ${folder##*/} of the test control plane with $("$go" env GOVERSION): about $minutes minutes of processor time, once"
    new=$(mktemp -d "$cache/new.XXXXXX") || exit $EX_CANTCREAT
    # shellcheck disable=SC2064 # this very folder
    trap "rm -rf '$new'" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    export GOTOOLCHAIN=local GOFLAGS='-trimpath -modcacherw -mod=readonly' CGO_ENABLED=0 GOWORK=off
    unset GOOS GOARCH GOROOT
    cd "$sources" || exit 70
    fetch_modules "$go" "$new/messages" "$@" || die $EX_UNAVAILABLE "the modules that the control plane is made of could not be fetched"
    "$compile" "$new" "$go" >&2 || die $EX_SOFTWARE "the test control plane could not be built"
    chmod 755 "$new" && mv -T "$new" "$folder" || exit $EX_CANTCREAT
    say "built in $((SECONDS - started)) s: $folder"
    printf '%s\n' "$folder"
)

# The files of $kinds, once a version, into a folder of the cache.
kinds() {
    local folder go new file module version digest info
    folder=$cache/kinds-$(sha256sum <<<"$kinds" | cut -c1-16)
    [[ -d $folder ]] && printf "%s\n" "$folder" && return 0
    mkdir -p "$cache" || exit $EX_CANTCREAT
    go=$(find_go) || die $EX_UNAVAILABLE "Go is not installed; hint: .ci/setup check"
    new=$(mktemp -d "$cache/kinds.XXXXXX") || exit $EX_CANTCREAT
    # shellcheck disable=SC2064 # this very folder
    trap "rm -rf '$new'" EXIT
    while read -r file module version digest; do
        [[ -n $file ]] || continue
        info=$(cd / && GOTOOLCHAIN=local GOFLAGS=-modcacherw "$go" mod download -json "$module@$version") || {
            printf "%s\n" "$info" >&2
            die $EX_UNAVAILABLE "$module could not be fetched"
        }
        [[ $(sed -n 's/.*"Sum": "\(.*\)".*/\1/p' <<<"$info") == "$digest" ]] || die $EX_UNAVAILABLE "$module is not the one that was pinned"
        cp "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$info")/$file" "$new" || exit $EX_CANTCREAT
    done <<<"$kinds"
    chmod 755 "$new" && chmod 644 "$new"/* && mv -T "$new" "$folder" || exit $EX_CANTCREAT
    printf "%s\n" "$folder"
}

case ${1-} in
    build)
        build "$(key)" "$here" 12 compile . "${others[@]}" &&
            build "kwok-$(kwok_key)" "$here/kwok" 4 compile_kwok sigs.k8s.io/kwok/cmd/kwok >/dev/null && kinds >/dev/null ;;
    kinds) kinds ;;
    path) folder=$cache/$(key) && [[ -d $folder ]] && printf '%s\n' "$folder" || exit $EX_UNAVAILABLE ;;
    kwok) folder=$cache/kwok-$(kwok_key) && [[ -d $folder ]] && printf '%s\n' "$folder" || exit $EX_UNAVAILABLE ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
