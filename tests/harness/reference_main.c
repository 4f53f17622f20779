/* Prints the reference tables of the README as Markdown, from the tables in the code: reference SECTION. */
#include <stdio.h>
#include <string.h>

#include "pipeline/cli/config.h"
#include "pipeline/cli/help.h"
#include "pipeline/cli/options.h"

struct problem {
    const char *code;
    const char *stage;
    const char *meaning;
};

static const struct problem problems[] = {
#define X(code, stage, meaning) {code, stage, meaning},
#include "pipeline/run/problems.def"
#undef X
};

static void print_exit_codes(void)
{
    help_exit_codes(stdout, true);
}

static void print_problems(void)
{
    puts("| code | written by | meaning |\n|---|---|---|");
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        printf("| `%s` | %s | %s |\n", problems[i].code, problems[i].stage, problems[i].meaning);
    }
}

static void print_configuration(void)
{
    config_reference(stdout);
}

/* A bar would end the cell. */
static void print_cell(const char *text)
{
    for (const char *p = text == NULL ? "" : text; *p != '\0'; p++) {
        fputs(*p == '|' ? "\\|" : (char[2]){*p, '\0'}, stdout);
    }
}

static void print_options(void)
{
    const struct option_row *rows = option_table();
    puts("| option | default | environment | key | meaning |\n|---|---|---|---|---|");
    for (size_t i = 0; i < OPT_COUNT; i++) {
        printf("| `--%s", rows[i].long_name);
        if (rows[i].argument != NULL) {
            fputs(" ", stdout);
            print_cell(rows[i].argument);
        }
        fputs("` | ", stdout);
        print_cell(rows[i].fallback);
        fputs(" | ", stdout);
        print_cell(rows[i].env);
        fputs(" | ", stdout);
        print_cell(rows[i].key);
        fputs(" | ", stdout);
        print_cell(rows[i].help);
        puts(" |");
    }
}

static void print_limits(void)
{
    static const struct {
        enum option_id option;
        long long most;
        const char *beyond;
    } limits[] = {
#define X(option, key, member, least, most, beyond) {option, most, beyond},
#include "stages/common/manifest/input_limits.def"
#undef X
    };
    puts("| option | default | may be up to | what | beyond it |\n|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct option_row *row = &option_table()[limits[i].option];
        printf("| `--%s` | %s | %lld | %s | %s |\n", row->long_name, row->fallback, limits[i].most, row->help,
               limits[i].beyond);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } sections[] = {
        {"exit-codes", print_exit_codes},
        {"problems", print_problems},
        {"configuration", print_configuration},
        {"options", print_options},
        {"limits", print_limits},
    };
    for (size_t i = 0; argc == 2 && i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(argv[1], sections[i].name) == 0) {
            sections[i].print();
            return fflush(stdout) ? ERR_IO : 0;
        }
    }
    fputs("usage: reference exit-codes|problems|configuration|options|limits\n", stderr);
    return ERR_USAGE;
}
