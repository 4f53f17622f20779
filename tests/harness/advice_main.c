/*
 * advice PART FOLDER: one part of the bench of advice (right-sizing, forecasts, findings) on the series of a folder and on made
 * ones; prints its tables and exits with 1 where a limit is not reached. See tests/perf/advice.sh.
 */
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/json.h"
#include "tests/harness/advice_bench.h"

enum { SEED = 6, DAYS = 16, USAGE = 64 };

static const struct {
    const char *name;
    int (*run)(const struct advice_set *real, const struct advice_set *made);
} parts[] = {
    {"rightsizing", advice_rightsizing},
    {"forecast", advice_forecast},
    {"findings", advice_findings},
};

int main(int argc, char **argv)
{
    struct advice_set real;
    struct advice_set made;
    struct err err = {0};
    json_init();
    for (size_t i = 0; i < ARRAY_COUNT(parts) && argc == 3; i++) {
        if (strcmp(argv[1], parts[i].name) != 0) {
            continue;
        }
        if (advice_set_read(argv[2], &real, &err)) {
            (void)fprintf(stderr, "advice: %s\n", err.message);
            return (int)err.class;
        }
        advice_set_make(SEED, DAYS, &made);
        int missed = parts[i].run(&real, &made);
        advice_set_release(&real);
        advice_set_release(&made);
        return missed;
    }
    (void)fputs("usage: advice rightsizing|forecast|findings FOLDER\n", stderr);
    return USAGE;
}
