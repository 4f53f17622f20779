/* Answers "ZONE|SCHEDULE|DURATION|TIME" lines with 1 (the window is open then), 0, or the error: for tests that compare with
 * another implementation of time zones. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/run/window.h"

enum { LINE_MAX_BYTES = 512, FIELDS = 4 };

static void answer(char *fields[FIELDS])
{
    struct window_set *set = window_set_new();
    struct window_verdict verdict;
    struct err err = {0};
    int64_t instant = 0;
    json_t *list = json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "name", "w", "kind", "allow", "timezone", fields[0], "schedule",
                             fields[1], "duration", fields[2]);
    if (window_set_add(set, list, "line", &err) || time_parse(fields[3], &instant, &err)) {
        puts(err.message);
    } else {
        window_judge(set, NULL, instant, NULL, &verdict);
        puts(verdict.allowed ? "1" : "0");
    }
    fflush(stdout);
    json_decref(list);
    window_set_free(set);
}

int main(void)
{
    char line[LINE_MAX_BYTES];
    json_init();
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *fields[FIELDS] = {line};
        size_t count = 1;
        line[strcspn(line, "\n")] = '\0';
        for (char *bar = strchr(line, '|'); bar != NULL && count < FIELDS; bar = strchr(bar + 1, '|')) {
            *bar = '\0';
            fields[count++] = bar + 1;
        }
        if (count != FIELDS) {
            puts("not ZONE|SCHEDULE|DURATION|TIME");
            fflush(stdout);
            continue;
        }
        answer(fields);
    }
    return 0;
}
