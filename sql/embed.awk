# Turns SQL files into C: awk -v what=c|h -f sql/embed.awk sql/migrations/*.sql sql/queries/*.sql A query
# becomes `const char sql_<name>[]`, a migration an entry of `sql_migrations[]`. The text goes out as an array
# of bytes, because C11 promises string literals of 4095 bytes only. Plain ASCII is required.
BEGIN {
    for (i = 1; i < 128; i++) {
        code[sprintf("%c", i)] = i
    }
    if (what != "c" && what != "h") {
        fail("say -v what=c or -v what=h")
    }
    print "/* Made by sql/embed.awk; do not edit. */"
    if (what == "c") {
        print "#include \"sql_embed.h\"\n"
    } else {
        print "#ifndef TARE_GEN_SQL_EMBED_H\n#define TARE_GEN_SQL_EMBED_H\n\n#include <stddef.h>\n"
        print "struct sql_migration {\n    int number;\n    const char *name;"
        print "    const char *text;\n    size_t length;\n};\n"
    }
}

function fail(text)
{
    print "sql/embed.awk: " text > "/dev/stderr"
    failed = 1
    exit 1
}

function finish_file()
{
    if (symbol != "" && what == "c") {
        print "    0};\n"
    }
}

function start_file(    parts, n, base)
{
    n = split(FILENAME, parts, "/")
    base = parts[n]
    if (base !~ /^[a-z0-9_]+\.sql$/) {
        fail(FILENAME ": names are lower-case letters, digits and _")
    }
    sub(/\.sql$/, "", base)
    if (parts[n - 1] == "migrations") {
        if (base !~ /^[0-9][0-9][0-9][0-9]_/ || substr(base, 1, 4) + 0 != count + 1) {
            fail(FILENAME ": migrations are numbered 0001_, 0002_, and so on, without a gap")
        }
        symbol = "migration_" base
        name[++count] = base
        storage = "static const char "
    } else {
        symbol = "sql_" base
        storage = "const char "
        if (what == "h") {
            print "extern const char " symbol "[];"
        }
    }
    if (what == "c") {
        print storage symbol "[] = {"
    }
}

FNR == 1 {
    finish_file()
    start_file()
}

what == "c" {
    text = ""
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        if (!(c in code)) {
            fail(FILENAME ":" FNR ": plain ASCII only")
        }
        text = text code[c] ","
    }
    print "    " text "10,"
}

END {
    if (failed) {
        exit 1
    }
    finish_file()
    if (what == "h") {
        print "\nextern const struct sql_migration sql_migrations[];"
        print "extern const size_t sql_migrations_count;\n\n#endif"
        exit 0
    }
    print "const struct sql_migration sql_migrations[] = {"
    for (i = 1; i <= count; i++) {
        printf "    {%d, \"%s\", migration_%s, sizeof migration_%s - 1},\n", i, name[i], name[i], name[i]
    }
    print "};\nconst size_t sql_migrations_count = sizeof sql_migrations / sizeof sql_migrations[0];"
}
