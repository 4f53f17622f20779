#!/bin/bash
# apply.git: changes of files as one commit on a branch, pushed where that is configured; the user's checkout, index and HEAD stay as
# they are. Real git, a bare remote. Every state that does not fit is told in one sentence; rollback is a commit that reverts.
set -u
. "$(dirname "$0")/../harness/tap.sh"
need git
. "$(dirname "$0")/stub_line.sh"
export HOME=$tmp/home GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME"
unset XDG_CONFIG_HOME GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
git config --global init.defaultBranch main
git config --global advice.detachedHead false

manifest deploy/a.yaml cart web
manifest deploy/b.yaml risky-pay
plan
printf 'reports/\ntare.yaml\n' >.gitignore
git init -q . && git config user.name Olga && git config user.email olga@example.org
git add .gitignore deploy && git commit -qm manifests
git init -q --bare "$tmp/remote.git"
git remote add origin "$tmp/remote.git" && git push -q origin main
settings() { printf 'apply:\n  git: {branch: "tare/run-{run}"%s}\n' "${1:-}" >tare.yaml; }
settings
# What is the user's: HEAD, index, work tree, branch; what git says of them.
mine() { git rev-parse HEAD && git symbolic-ref -q HEAD; git ls-files -s | sha256sum; git status --porcelain; sha256sum deploy/*; }
before=$(mine)
base=$(git rev-parse HEAD)
wanted() { git show "$base:$1" | sed 's/cpu: 500m/cpu: 300m/'; }
branch() { git rev-parse -q --verify "refs/heads/tare/run-$id"; }
remote() { git --git-dir="$tmp/remote.git" rev-parse -q --verify "refs/heads/tare/run-$id"; }
committed() { local f; for f in deploy/a.yaml deploy/b.yaml; do git show "tare/run-$id:$f" | cmp -s - <(wanted $f) || return 1; done; }
litter() { find .git -maxdepth 1 -name 'tare*'; find deploy -name '.*'; }

new_run
[[ $rc == 0 ]] || { echo "Bail out! the stub line does not run"; exit 1; }
run "$tare" login reviewer viewer approver

# --- a commit ---------------------------------------------------------------------------------------------------------------
approved_run
run "$tare" apply "$id" --dry-run
is "$rc $(branch)" "0 " "a dry run makes no branch" || diag "$err"
run "$tare" apply "$id" --yes
is "$rc $(state)" "0 applied" "the plan is committed" || diag "$err"
is "$(mine)" "$before" "checkout, index and HEAD are as they were"
ok "the branch has the planned bytes" committed
is "$(git rev-parse "tare/run-$id^") $(git diff --name-only "$base" "tare/run-$id" | tr '\n' ' ')" "$base deploy/a.yaml deploy/b.yaml " "in one commit on top of HEAD, and nothing else"
message=$(git log -1 --format=%B "tare/run-$id")
plan_digest=$("$tare" status "$id" --format json | jq -r .plan)
like "$message" "^Requests and limits of 3 workloads: \\\$12 a month \(tare run $id\)" "its message says what it saves"
like "$message" "shop/Deployment/cart: \\\$4 a month" "and of which workloads"
like "$message" "Tare-Run: $id
Tare-Plan: $plan_digest" "and which plan it is"
is "$(git log -1 --format='%an <%ae> %cn' "tare/run-$id")" "Olga <olga@example.org> Olga" "it is by whom git knows"
is "$(outcomes apply)" "cart=done risky-pay=done web=done " "outcomes"
like "$("$tare" show "$id" apply)" "committed to the branch tare/run-$id as $(branch | cut -c1-12)" "which name branch and commit"
is "$(remote)" "" "nothing is pushed"
is "$(litter)" "" "nothing is left in the repository"
run "$tare" apply "$id" --yes
is "$rc" 77 "a second apply is refused"
commit=$(branch)
run "$tare" rollback "$id" --yes
is "$rc $(state)" "0 rolled-back" "rolled back" || diag "$err"
is "$(git rev-parse "tare/run-$id^") $(git diff --name-only "$base" "tare/run-$id")" "$commit " "by a commit that reverts: every byte is back"
like "$(git log -1 --format=%B "tare/run-$id")" "Revert \"Requests.*This reverts commit $commit" "which says so"
is "$(mine)" "$before" "checkout, index and HEAD are as they were"
tip=$(branch)
run "$tare" rollback "$id" --yes
is "$rc $(branch)" "0 $tip" "a second rollback does nothing"

# --- pushed -----------------------------------------------------------------------------------------------------------------
settings ', push: true, author: "Tare Bot <bot@example.org>", message: "size {workloads} in {cluster}, run {run}"'
approved_run
run "$tare" apply "$id" --yes
is "$rc $(remote)" "0 $(branch)" "the branch is pushed" || diag "$err"
is "$(git log -1 --format='%s|%an <%ae>' "tare/run-$id")" "size 3 in default, run $id|Tare Bot <bot@example.org>" "subject and author as configured"
# Somebody merges it, the branch goes, and somebody else works on.
git fetch -q . "tare/run-$id" && git merge -q --no-edit "tare/run-$id" 2>/dev/null && git branch -qD "tare/run-$id" && git --git-dir="$tmp/remote.git" branch -qD "tare/run-$id"
echo x >other && git add other && git commit -qm other
merged=$(git rev-parse HEAD)
run "$tare" rollback "$id" --yes
is "$rc $(git rev-parse "tare/run-$id^") $(remote)" "0 $merged $(branch)" "after a merge the rollback stands on top of HEAD, on a branch of its own, and is pushed" || diag "$err"
is "$(git diff --name-only "$base" "tare/run-$id" | grep deploy)" "" "and puts every byte back"
git reset -q --hard "$base"
settings ', push: true, author: "Tare Bot <bot@example.org>"'
# Somebody changed one of the files on the branch since.
approved_run
run "$tare" apply "$id" --yes
git worktree add -q "$tmp/other" "tare/run-$id" && (cd "$tmp/other" && echo '# mine' >>deploy/b.yaml && git -c user.name=x -c user.email=x@y commit -qam mine && git push -q origin HEAD)
run "$tare" rollback "$id" --yes
is "$rc" 81 "a branch that is checked out somewhere is not moved"
like "$err" "tare/run-$id is checked out in $tmp/other" "and it is said where"
git worktree remove --force "$tmp/other"
run "$tare" rollback "$id" --resume --yes
is "$rc" 81 "a file that was changed on the branch since is left alone"
like "$err" "deploy/b.yaml was changed on the branch" "and named"
is "$(git show "tare/run-$id:deploy/a.yaml" | grep -c 500m) $(git show "tare/run-$id:deploy/b.yaml" | grep -c '300m\|mine')" "2 2" "the other one is put back"

# --- states that do not fit --------------------------------------------------------------------------------------------------
refused() { # EXIT PATTERN NAME: the last approved run is not applied, and nothing happened
    run "$tare" apply "$id" --yes
    is "$rc $(branch)" "$1 " "$3" || diag "$err"
    like "$err" "$2" "$3: told"
    is "$(state)" approved "$3: it may be applied once that is mended"
}
settings ', push: true, remote: nowhere'
approved_run
refused 78 'no remote nowhere' "a remote that is not there"
settings ', push: true, remote: "https://u:secret@example.org/x"'
approved_run
refused 78 'a name, not an address' "an address in the place of a remote"
unlike "$err$out" 'secret' "is not shown"
settings ', push: true'
approved_run
git remote set-url origin "https://user:hunter2@127.0.0.1:9/x.git"
refused 69 'does not answer' "a remote that does not answer"
unlike "$err$out" 'hunter2' "without its password"
git remote set-url origin "$tmp/remote.git"
git config user.useConfigOnly true && git config --unset user.email && git config --unset user.name
refused 78 'user.name and user.email are not set' "nobody who commits"
git config user.name Olga && git config user.email olga@example.org
echo '# dirty' >>deploy/a.yaml
run "$tare" apply "$id" --yes
is "$rc" 79 "a file that moved since the plan is stale, as ever"
plan
approved_run
refused 78 'deploy/a.yaml has changes that are not committed' "a dirty file"
git checkout -q deploy/a.yaml
manifest deploy/c.yaml new
plan
approved_run
refused 78 'deploy/c.yaml is not in the last commit' "a file that is not tracked"
echo deploy/c.yaml >>.git/info/exclude
refused 78 'deploy/c.yaml is ignored by git' "a file that is ignored"
rm deploy/c.yaml
plan
approved_run
git branch "tare/run-$id" "$(git commit-tree -p HEAD -m x 'HEAD^{tree}')"
run "$tare" apply "$id" --yes
is "$rc" 77 "a branch with other commits" || diag "$err"
like "$err" "the branch tare/run-$id is there already, with the commit" "is told"
git branch -qD "tare/run-$id"
git push -q origin "$(git commit-tree -p HEAD -m x 'HEAD^{tree}'):refs/heads/tare/run-$id"
refused 77 'is there already on the remote' "a branch with other commits on the remote"
git push -q origin ":tare/run-$id"
printf '#!/bin/sh\necho "not on a friday" >&2\nexit 1\n' >"$tmp/remote.git/hooks/pre-receive" && chmod 755 "$tmp/remote.git/hooks/pre-receive"
run "$tare" apply "$id" --yes
is "$rc $(branch)" "80 " "a push that a hook declines is undone: the branch is gone again" || diag "$err"
like "$err" 'pre-receive hook declined.*not on a friday' "with what the hook said"
rm "$tmp/remote.git/hooks/pre-receive"
printf '#!/bin/sh\necho "no pushing from here" >&2\nexit 1\n' >.git/hooks/pre-push && chmod 755 .git/hooks/pre-push
approved_run
run "$tare" apply "$id" --yes
is "$rc $(branch)" "80 " "a pre-push hook may decline as well" || diag "$err"
like "$err" 'no pushing from here' "with what it said"
rm .git/hooks/pre-push
printf '#!/bin/sh\n[ "$1" != prepared ]\n' >.git/hooks/reference-transaction && chmod 755 .git/hooks/reference-transaction
approved_run
run "$tare" apply "$id" --yes
is "$rc $(branch)" "80 " "a hook that lets no branch move" || diag "$err"
rm .git/hooks/reference-transaction
is "$(mine)" "$before" "checkout, index and HEAD are as they were after all that"

settings
approved_run
git checkout -q --detach
run "$tare" apply "$id" --yes
is "$rc" 0 "a detached HEAD is one to stand on" || diag "$err"
ok "and the branch has the planned bytes" committed
git checkout -q main
git config commit.gpgSign true && git config gpg.program "$tmp/gpg"
printf '#!/bin/sh\ncat >/dev/null\nprintf "\\n[GNUPG:] SIG_CREATED \\n" >&2\nprintf -- "-----BEGIN PGP SIGNATURE-----\\nmade\\n-----END PGP SIGNATURE-----\\n"\n' >"$tmp/gpg" && chmod 755 "$tmp/gpg"
approved_run
run "$tare" apply "$id" --yes
like "$rc $(git cat-file commit "tare/run-$id")" "^0 .*BEGIN PGP SIGNATURE" "commits are signed where the user wants that" || diag "$err"
git config --unset commit.gpgSign
git config core.sparseCheckout true && printf '/deploy/\n/.gitignore\n' >.git/info/sparse-checkout
mkdir -p far && echo 1 >far/away && git add --sparse far && git commit -qm far && git read-tree -mu HEAD
approved_run
run "$tare" apply "$id" --yes
is "$rc $([[ -e far/away ]] && echo there) $(git ls-tree -r --name-only "tare/run-$id" | grep -c far/away)" "0  1" "a sparse checkout loses nothing" || diag "$err"
git config --unset core.sparseCheckout && git read-tree -mu HEAD && git reset -q --hard "$base"
git config core.autocrlf true
approved_run
run "$tare" apply "$id" --yes
is "$rc" 0 "line ends are git's business" || diag "$err"
ok "and stand in the commit as before" committed
git config --unset core.autocrlf
echo 'deploy/b.yaml filter=lfs' >.git/info/attributes
approved_run
refused 78 'deploy/b.yaml is kept by Git LFS' "a file in Git LFS"
rm .git/info/attributes
printf 'apply:\n  git: {branch: main}\n' >tare.yaml
approved_run
run "$tare" apply "$id" --yes
is "$rc" 78 "the branch that is checked out is no branch to commit to"
like "$err" "the branch main is checked out in" "and it is said where"
printf 'apply:\n  git: {branch: "a..b"}\n' >tare.yaml
approved_run
run "$tare" apply "$id" --yes
is "$rc" 78 "a name that is none" || diag "$err"
settings
mv .git "$tmp/elsewhere"
approved_run
run "$tare" apply "$id" --yes
is "$rc" 78 "no repository"
like "$err" 'no git repository' "is told"
git init -q --bare .git
run "$tare" apply "$id" --yes
like "$rc $err" '^78 .*bare|^78 .*no work tree' "a bare one, too"
rm -rf .git && git init -q . && git config user.name x && git config user.email x@y
run "$tare" apply "$id" --yes
like "$rc $err" '^78 .*has no commit yet' "and one without a commit"
rm -rf .git && mv "$tmp/elsewhere" .git
git init -q "$tmp/sub" && cp -r deploy "$tmp/sub/" && git -C "$tmp/sub" add . && git -C "$tmp/sub" -c user.name=x -c user.email=x@y commit -qm x
git -c protocol.file.allow=always submodule --quiet add "$tmp/sub" deploy/sub 2>/dev/null && git commit -qm sub
mv deploy/sub/deploy/a.yaml deploy/sub/z.yaml
sed -i 's/cart/mart/; s/web/net/' deploy/sub/z.yaml
( cd deploy/sub && git add . && git -c user.name=x -c user.email=x@y commit -qm y )
cp deploy/sub/z.yaml deploy/z.yaml && plan && rm deploy/z.yaml
sed -i 's|deploy/z.yaml|deploy/sub/z.yaml|g' "$tmp"/*.jsonl
approved_run
run "$tare" apply "$id" --yes
like "$rc $err" '^78 .*deploy/sub/z.yaml lies in the submodule deploy/sub' "a file of a submodule"
run "$tare" audit verify
is "$rc" 0 "the audit trail is whole" || diag "$err"
done_testing
