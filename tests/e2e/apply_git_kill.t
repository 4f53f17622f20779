#!/bin/bash
# kill -9 of tare-apply and of tare-rollback before each program that they start (git, step by step) and around the rows of a commit that is
# pushed. Then --resume ends with the branch and its remote as planned, or rollback with every byte as before; the ledger agrees;
# nothing is committed twice, and checkout, index and HEAD are the user's. TARE_KILLS: how many points are tried (default 8).
set -u
. "$(dirname "$0")/../harness/tap.sh"
need strace git
. "$(dirname "$0")/stub_line.sh"
export HOME=$tmp/home GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME"
unset XDG_CONFIG_HOME GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
git config --global init.defaultBranch main
manifest deploy/a.yaml cart web
manifest deploy/b.yaml risky-pay
plan
printf 'reports/\ntare.yaml\n' >.gitignore
git init -q . && git config user.name Olga && git config user.email olga@example.org
git add .gitignore deploy && git commit -qm manifests
git init -q --bare "$tmp/remote.git" && git remote add origin "$tmp/remote.git" && git push -q origin main
printf 'apply:\n  git: {branch: "tare/run-{run}", push: true}\n' >tare.yaml
base=$(git rev-parse HEAD)
mine() { git rev-parse HEAD; git symbolic-ref HEAD; git ls-files -s | sha256sum; git status --porcelain; sha256sum deploy/*; }
before=$(mine)
branch() { git rev-parse -q --verify "refs/heads/tare/run-$id"; }
remote() { git --git-dir="$tmp/remote.git" rev-parse -q --verify "refs/heads/tare/run-$id"; }
files() { git show "$1:deploy/a.yaml" "$1:deploy/b.yaml" 2>/dev/null | sha256sum; }
as_before=$(files HEAD)
as_planned=$(git show HEAD:deploy/a.yaml HEAD:deploy/b.yaml | sed 's/cpu: 500m/cpu: 300m/' | sha256sum)

new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
run "$tare" login reviewer viewer approver
for program in apply rollback; do mv "$line/tare-$program" "$line/tare-$program.real"; done
plain() { for program in apply rollback; do printf '#!/bin/sh\nexec "%s" "$@"\n' "$line/tare-$program.real" >"$line/tare-$program"; chmod 755 "$line/tare-$program"; done; }
# deadly PROGRAM CALL WHEN: its next runs are killed there. Calls of git's own are not counted.
deadly() { printf '#!/bin/sh\nexec strace -qq -o /dev/null -e trace=%s -e inject=%s:signal=KILL:when=%s "%s" "$@"\n' "$2" "$2" "$3" "$line/tare-$1.real" >"$line/tare-$1"; }
wrong=0 kills=0
bad() { wrong=$((wrong + 1)); tap_result 1 "$1"; diag "$(state), exit $rc: $err"; }
check() { # NAME: whatever happened, it is ended
    local commits
    commits=$(git log --format=%s "$base..tare/run-$id" 2>/dev/null | grep -vc '^Revert')
    ((commits <= 1)) || bad "$1: committed $commits times"
    [[ $(mine) == "$before" ]] || bad "$1: checkout, index and HEAD"
    case $(state) in
        applied) [[ $(files "tare/run-$id") == "$as_planned" && $(branch) == "$(remote)" ]] || bad "$1: as planned" ;;
        rolled-back) [[ -z $(branch) || $(files "tare/run-$id") == "$as_before" ]] || bad "$1: as before"
            [[ -z $(remote) || $(branch) == "$(remote)" ]] || bad "$1: the remote has something else" ;;
        *) bad "$1: the run is $(state)" ;;
    esac
    [[ -z $(find .git -maxdepth 1 -name 'tare-*.index*') ]] || rm -f .git/tare-*.index*
}
try() { # PROGRAM CALL WHEN
    plain
    approved_run
    [[ $1 == apply ]] || { run "$tare" apply "$id" --yes; [[ $rc == 0 ]] || bad "an apply before a rollback"; }
    deadly "$@"
    run "$tare" "$1" "$id" --yes
    [[ $rc == 0 ]] && return 1
    kills=$((kills + 1))
    plain
    if [[ $1 == apply && $(state) != approved && $(($3 % 2)) == 1 ]]; then
        run "$tare" rollback "$id" --resume --yes
        [[ $rc == 77 ]] && run "$tare" apply "$id" --resume --yes # nothing was written yet
    else
        run "$tare" "$1" "$id" --resume --yes
    fi
    [[ $rc == 0 ]] || bad "$1 killed at $2 $3: it goes on"
    check "$1 killed at $2 $3"
    return 0
}
points=${TARE_KILLS:-8}
# How often a whole apply starts a program: what is beyond is not met.
for ((i = 0; i < points; i++)); do
    case $((i % 5)) in
        0 | 1 | 2) try apply clone,clone3,vfork,fork $((20 + i * 23 % 37)) || try apply sendto $((40 + i * 7 % 30)) ;;
        3) try apply sendto $((30 + i * 11 % 50)) ;;
        4) try rollback clone,clone3,vfork,fork $((3 + i * 5 % 17)) || true ;;
    esac
done
is "$wrong" 0 "after each of $kills kills branch, remote and ledger are as planned or as before"
ok "there were kills" test "$kills" -ge $((points / 2))
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
