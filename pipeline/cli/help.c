#include "pipeline/cli/help.h"

#include <errno.h>

#include "pipeline/base/log.h"
#include "pipeline/base/str.h"

int help_end(FILE *out)
{
    if (fflush(out) == 0 && !ferror(out)) {
        return 0;
    }
    struct err err;
    err_errno(&err, ERR_IO, errno, "cannot write standard output");
    log_err(&err);
    return ERR_IO;
}

int help_version(const char *program)
{
    printf("%s %s\n", program, tare_version());
    return help_end(stdout);
}

void help_exit_codes(FILE *out, bool markdown)
{
    size_t count;
    const struct err_row *rows = err_table(&count);
    if (markdown) {
        fputs("| code | meaning |\n|---|---|\n| 0 | done |\n", out);
    } else {
        fputs("  0   done\n", out);
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(out, markdown ? "| %u | %s |\n" : "  %-3u %s\n", (unsigned)rows[i].class, rows[i].meaning);
    }
}

static void print_kinds(unsigned set)
{
    for (int kind = 0; kind < ARTIFACT_KINDS; kind++) {
        if (set & ARTIFACT_BIT(kind)) {
            printf("%s%s", (set & (ARTIFACT_BIT(kind) - 1U)) != 0 ? " or " : "", artifact_kind_name((enum artifact_kind)kind));
        }
    }
}

int help_stage(const struct stage_spec *spec)
{
    printf("usage: tare-%s [OPTION]…%s%s\n\n%s\n\n", spec->name, spec->operands == NULL ? "" : " ",
           spec->operands == NULL ? "" : spec->operands, spec->summary);
    if (spec->reads != 0) {
        fputs("reads on stdin: ", stdout);
        print_kinds(spec->reads);
        fputs("\n", stdout);
    }
    if (spec->writes != ARTIFACT_NONE) {
        printf("writes on stdout: %s\n", artifact_kind_name(spec->writes));
    }
    fputs("\noptions:\n", stdout);
    options_help(spec->program, stdout);
    fputs("\nexit codes:\n", stdout);
    help_exit_codes(stdout, false);
    return help_end(stdout);
}

void help_log_init(const char *program, const struct options *options)
{
    enum log_format format = str_equal(options_string(options, OPT_LOG_FORMAT), "json") ? LOG_JSON : LOG_TEXT;
    enum log_level level = LOG_INFO;
    if (options_flag(options, OPT_QUIET)) {
        level = LOG_WARN;
    } else if (options_flag(options, OPT_VERBOSE)) {
        level = LOG_DEBUG;
    }
    log_init(program, format, level);
}
