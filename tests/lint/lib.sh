# Shared by tests/lint/*.t: a rule is a function that prints what breaks it, a line each. Source after tap.sh.

cd "$root" || exit 1
BUILD=${BUILD:-$root/.build}

# The files that git knows or would take: what is ignored or was built is nobody's style.
tree() { git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do [[ -f $file ]] && printf '%s\n' "$file"; done; }

product_c() { tree 'pipeline/*.c' 'stages/*.c' 'pricing/*.c' 'reports/*.c'; }
product_h() { tree 'pipeline/*.h' 'stages/*.h' 'pricing/*.h' 'reports/*.h'; }
all_c() { tree '*.c' '*.h'; }

# none NAME COMMAND…: the command must print nothing; what it prints is shown.
none() {
    local name=$1 found
    shift
    found=$("$@" 2>&1)
    [[ -z $found ]]
    tap_result $? "$name" || diag "$found"
}

# For rules that could silently look at nothing.
some() { [[ -n $($1) ]]; tap_result $? "there is something to look at: $1"; }
