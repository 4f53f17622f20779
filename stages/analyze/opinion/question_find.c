#include "stages/analyze/opinion/question_find.h"

#include <string.h>

/* Braces of prose that are tried as the beginning of an object: each costs at most one walk over the text. */
enum { TRIES = 64 };

/* The end of the string whose quote is at `at`: after its closing quote, NULL where it has none. */
static const char *string_end(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return *at == '"' ? at + 1 : NULL;
}

/* After the brace that closes the one at `at`, NULL where none does. Brackets of the wrong kind are the parser's matter. */
static const char *object_end(const char *at)
{
    size_t depth = 0;
    while (at && *at != '\0') {
        if (*at == '"') {
            at = string_end(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
        if (depth == 0) {
            return at;
        }
    }
    return NULL;
}

/* The object at `at` as a new value, NULL where it is none. *end receives where to look on. */
static json_t *object_at(const char *at, const char **end)
{
    const char *after = object_end(at);
    json_t *value = after ? json_read(at, (size_t)(after - at), "the reply", NULL) : NULL;
    *end = value ? after : at + 1;
    return value;
}

/* After the bracket that opens the last list of answers, NULL where there is none. */
static const char *list_start(const char *text)
{
    static const char name[] = "\"answers\"";
    const char *at = NULL;
    for (const char *next = strstr(text, name); next; next = strstr(next + 1, name)) {
        at = next + strlen(name);
    }
    if (!at) {
        return NULL;
    }
    at += strspn(at, " \t\r\n:");
    return *at == '[' ? at + 1 : NULL;
}

/* The entries of the last list of a text that is no JSON as a whole, as far as they are whole themselves. */
static json_t *entries_before_cut(const char *text)
{
    const char *at = list_start(text);
    if (!at) {
        return NULL;
    }
    json_t *entries = json_array();
    for (at += strspn(at, " \t\r\n,"); *at == '{'; at += strspn(at, " \t\r\n,")) {
        const char *after = object_end(at);
        if (!after) {
            break;
        }
        json_t *entry = json_read(at, (size_t)(after - at), "the reply", NULL);
        if (entry) {
            json_array_append_new(entries, entry);
        }
        at = after;
    }
    return entries;
}

json_t *question_find(const char *text)
{
    json_t *answers = NULL;
    json_t *bare = json_array();
    const char *at = strchr(text, '{');
    for (int tries = 0; at && tries < TRIES; tries++) {
        json_t *object = object_at(at, &at);
        json_t *entries = json_object_get(object, "answers");
        if (json_is_array(entries)) {
            json_decref(answers);
            answers = json_incref(entries);
        } else if (json_object_get(object, "workload")) {
            json_array_append(bare, object);
        }
        json_decref(object);
        at = strchr(at, '{');
    }
    if (!answers) {
        answers = entries_before_cut(text);
    }
    if (!answers && json_array_size(bare) > 0) {
        answers = json_incref(bare);
    }
    json_decref(bare);
    return answers;
}
