/* For tests that compare with another implementation of windows. Answers lines "ZONE|SCHEDULE|DURATION|TIME" with 1 (the window
 * is open then), 0, or the error; and lines {"groups":[[window…]…],"files":{name: text},"subject":{"namespace","cluster","labels",
 * "override"},"at"} with "allowed", "denied NEXT" ("-" where none comes) or "refused: " and the error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/run/window.h"

enum { FIELDS = 4 };

static void answer(char *fields[FIELDS])
{
    struct window_set *set = window_set_new();
    struct window_verdict verdict;
    struct err err = {0};
    int64_t instant = 0;
    json_t *list = json_pack("[{s:s,s:s,s:s,s:s,s:s}]", "name", "w", "kind", "allow", "timezone", fields[0], "schedule",
                             fields[1], "duration", fields[2]);
    if (window_set_add(set, list, NULL, "line", &err) || time_parse(fields[3], &instant, &err)) {
        puts(err.message);
    } else {
        window_judge(set, NULL, instant, NULL, &verdict);
        puts(verdict.allowed ? "1" : "0");
    }
    fflush(stdout);
    json_decref(list);
    window_set_free(set);
}

static int judge(struct window_set *set, const json_t *question, struct window_verdict *verdict, struct err *err)
{
    size_t index = 0;
    const json_t *group = NULL;
    int64_t instant = 0;
    json_array_foreach(json_object_get(question, "groups"), index, group)
    {
        if (window_set_add(set, group, json_object_get(question, "files"), "line", err)) {
            return -1;
        }
    }
    const char *at = json_string_or_null(question, "at");
    if (time_parse(at == NULL ? "" : at, &instant, err)) {
        return -1;
    }
    const json_t *about = json_object_get(question, "subject");
    struct window_subject subject = {json_string_or_null(about, "cluster"), json_string_or_null(about, "namespace"),
                                     json_object_get(about, "labels")};
    window_judge(set, about == NULL ? NULL : &subject, instant, json_string_or_null(about, "override"), verdict);
    return 0;
}

static void answer_question(const char *line)
{
    struct window_set *set = window_set_new();
    struct window_verdict verdict;
    struct err err = {0};
    char next[RFC3339_MAX];
    json_t *question = json_read(line, strlen(line), "the question", &err);
    if (question == NULL || judge(set, question, &verdict, &err)) {
        printf("refused: %s\n", err.message);
    } else if (verdict.allowed) {
        puts("allowed");
    } else {
        printf("denied %s\n", verdict.has_next ? time_format(verdict.next_opening, next) : "-");
    }
    fflush(stdout);
    json_decref(question);
    window_set_free(set);
}

static void answer_line(char *line)
{
    char *fields[FIELDS] = {line};
    size_t count = 1;
    for (char *bar = strchr(line, '|'); bar != NULL && count < FIELDS; bar = strchr(bar + 1, '|')) {
        *bar = '\0';
        fields[count++] = bar + 1;
    }
    if (count != FIELDS) {
        puts("not ZONE|SCHEDULE|DURATION|TIME");
        fflush(stdout);
        return;
    }
    answer(fields);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    json_init();
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '{') {
            answer_question(line);
        } else {
            answer_line(line);
        }
    }
    free(line);
    return 0;
}
