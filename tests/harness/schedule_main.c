/* For tests that compare schedules with another implementation. Answers lines "ZONE|CRON|FROM|UNTIL" with the instants after FROM and
 * up to UNTIL, or the error; lines "crontab|MACHINE ZONE|ZONE|CRON|FROM" with the crontab's lines, joined by ";". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/run/schedule.h"

enum { FIELDS = 5 };

static void say_instants(const struct schedule_rule *rule, int64_t from, int64_t until)
{
    char text[RFC3339_MAX];
    int64_t count = 0;
    int64_t last = 0;
    for (int64_t at = schedule_next(rule, from); at <= until; at = schedule_next(rule, at)) {
        printf("%s%s", count == 0 ? "" : " ", time_format(at, text));
        last = at;
        count++;
    }
    struct schedule_answer answer = schedule_judge(rule, from, until, 0, true);
    bool agrees = count == 0 ? answer.verdict == SCHEDULE_NOT_DUE : answer.due == last && answer.missed == count - 1;
    puts(agrees ? "" : " (judged otherwise)");
}

static void say_crontab(const struct schedule_rule *rule, const char *machine, int64_t from)
{
    struct buf lines;
    struct tz *tz = NULL;
    struct err err = {0};
    buf_init(&lines, 100000);
    if (tz_load(machine, &tz, &err)) {
        puts(err.message);
        return;
    }
    schedule_crontab(rule, tz, from, &lines);
    for (char *p = lines.data; *p != '\0'; p++) {
        *p = *p == '\n' ? ';' : *p;
    }
    puts(buf_str(&lines));
    buf_release(&lines);
    tz_free(tz);
}

static void answer(char *fields[FIELDS])
{
    bool crontab = strcmp(fields[0], "crontab") == 0;
    struct schedule_rule rule;
    struct err err = {0};
    int64_t from = 0;
    int64_t until = 0;
    if (schedule_rule_read(fields[crontab ? 3 : 1], fields[crontab ? 2 : 0], &rule, &err) ||
        time_parse(fields[crontab ? 4 : 2], &from, &err) || (!crontab && time_parse(fields[3], &until, &err))) {
        puts(err.message);
    } else if (crontab) {
        say_crontab(&rule, fields[1], from);
    } else {
        say_instants(&rule, from, until);
    }
    fflush(stdout);
    schedule_rule_release(&rule);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char none[1] = "";
        char *fields[FIELDS] = {none, none, none, none, none};
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < FIELDS && rest != NULL; i++) {
            fields[i] = rest;
            rest = strchr(rest, '|');
            if (rest != NULL) {
                *rest++ = '\0';
            }
        }
        answer(fields);
    }
    free(line);
    return 0;
}
