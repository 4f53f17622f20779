#!/bin/bash
# The tree: READMEs, white space, languages, scripts, nothing of one machine, nothing built.
set -u
. "$(dirname "$0")/../harness/tap.sh"
. "$root/tests/lint/lib.sh"

folders() { tree | grep / | grep -v '^\.' | sed 's|/[^/]*$||' | sort -u; }
some folders
# Folders of plain data below one that explains them need none of their own.
data='^(fixtures/demo/manifests|fixtures/cases/|sql/(migrations|queries)$|pricing/catalogs$|reports/assets$|tests/(unit|e2e|db|cli)(/|$)|tests/fuzz/seeds)'
no_readme() { folders | grep -v -E "$data" | while IFS= read -r folder; do [[ -s $folder/README.md ]] || echo "$folder has no README.md"; done; }
none "each folder says in a README.md what it holds" no_readme

top_level() { tree | grep / | grep -v '^\.' | cut -d/ -f1 | sort -u | grep -v -x -E 'pipeline|stages|pricing|sql|reports|fixtures|tests'; tree | grep -v / | grep -v -x -E '\..*|Makefile|README\.md|LICENSE'; }
none "the top level is the one of the design" top_level

# What a file is by its name; data of fixtures may be anything. Go lives in tests/cluster alone, script of the report in reports/assets.
languages() {
    tree | grep -v -E '\.(c|h|def|sql|awk|sh|t|md|yaml|yml|json|jsonl|csv|css|table|txt|html|svg|ics|mk)$' | grep -v -E '^(Makefile|\.[a-z-]+|\.ci/[a-z-]+|LICENSE)$' |
        grep -v -E '^fixtures/|^tests/(fuzz/seeds|golden|cases)/|^tests/cluster/.*\.(go|mod|sum)$|^reports/assets/.*\.js$'
    tree | grep -E '\.(py|pl|rb|ts|lua|cc|cpp|rs)$'
    tree '.ci/*' | while IFS= read -r file; do head -1 "$file" | grep -q -E '^#!/bin/(ba)?sh$' || echo "$file: not a shell script"; done
}
none "C, shell, SQL and awk" languages

text() { tree | grep -v -E '^fixtures/cases/|^tests/(fuzz/seeds|golden|cases)/|\.(png|gz|zst)$|^fixtures/.*\.csv$'; }
trailing() { text | grep -v '\.md$' | xargs grep -In -E '[ 	]+$' | head -20; }
none "no blanks at the end of a line" trailing
tabs() { tree '*.c' '*.h' '*.sh' '*.t' '*.sql' '*.awk' '*.yaml' '*.def' | grep -v -E '^fixtures/cases/|^tests/(golden|cases)/' | xargs grep -InP '^ *\t' | head -20; }
none "no tab at the start of a line (Makefile apart)" tabs
last_newline() { text | while IFS= read -r file; do [[ ! -s $file || -z $(tail -c 1 "$file") ]] || echo "$file does not end with a line end"; done; }
none "each file ends with a line end" last_newline
carriage() { text | xargs grep -Il $'\r' | head; }
none "no carriage returns" carriage

scripts() {
    tree '*.sh' '*.t' '.ci/*' | while IFS= read -r file; do
        case $(head -1 "$file") in
            '#!/bin/sh'*) sh -n "$file" 2>&1 ;;
            *) bash -n "$file" 2>&1 ;;
        esac
    done
}
none "each script is a script" scripts
no_set_u() { tree '*.t' '.ci/*' | xargs grep -L -E '^set -[a-z]*u|^exec awk' ; }
none "each script stops at an unset name (set -u)" no_set_u
killers() { tree '*.sh' '*.t' '.ci/*' | xargs grep -Hn -E '\b(pkill|killall)\b' | grep -v 'tests/lint/tree.t'; }
none "nothing is ended by its name" killers

# Nothing of the machine or the people that made it.
machine() {
    text | grep -v -x 'tests/lint/tree.t' | xargs grep -In -E '/home/[a-z]+/|/root/' | head -20
}
none "no path of one machine" machine
secrets() { text | grep -v -x 'tests/lint/tree.t' | xargs grep -In -E 'sk-ant-[A-Za-z0-9]{8}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|ghp_[A-Za-z0-9]{20}' | head; }
none "nothing that looks like a key" secrets
built() { git ls-files | grep -E '\.(o|a|so|d|gcno|gcda|exe)$|^\.build'; }
none "nothing built is in the tree" built
large() { tree | while IFS= read -r file; do size=$(wc -c <"$file"); ((size > 1048576)) && echo "$file has $size bytes"; done; }
none "no file above 1 MiB" large

# A prose link to a file of the tree must lead somewhere.
links() {
    tree '*.md' | while IFS= read -r file; do
        grep -o -E '\]\([^)#: ]+\)' "$file" | sed 's/^](//; s/)$//' | while IFS= read -r target; do
            [[ -e $(dirname "$file")/$target ]] || echo "$file: $target is not there"
        done
    done
}
none "links in READMEs lead somewhere" links
done_testing
