#include "pipeline/io/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json_quick.h"

void json_init(void)
{
    json_set_alloc_funcs(xmalloc, free);
}

json_t *json_read(const char *text, size_t length, const char *what, struct err *err)
{
    json_error_t where;
    json_t *value = json_quick(text, length);
    if (value != NULL) {
        return value;
    }
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (value == NULL) {
        err_set(err, ERR_DATA, "%s is not valid JSON at line %d, column %d: %s", what, where.line, where.column,
                where.text);
    }
    return value;
}

int json_get_string(const json_t *object, const char *key, const char **out, struct err *err)
{
    const char *text = json_string_or_null(object, key);
    if (text == NULL) {
        return err_set(err, ERR_DATA, "the member \"%s\" is missing or not a string", key);
    }
    *out = text;
    return 0;
}

const char *json_string_or_null(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool json_get_int(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        return false;
    }
    *out = json_integer_value(value);
    return true;
}

int64_t json_int_or(const json_t *object, const char *key, int64_t fallback)
{
    int64_t value = fallback;
    json_get_int(object, key, &value);
    return value;
}

bool json_get_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) {
        return false;
    }
    *out = json_number_value(value);
    return true;
}

bool json_bool_or(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

json_t *json_at(const json_t *object, const char *path)
{
    char step[128];
    const json_t *at = object;
    while (at != NULL) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof step) {
            return NULL;
        }
        memcpy(step, path, length);
        step[length] = '\0';
        json_t *next = json_object_get(at, step);
        if (path[length] == '\0') {
            return next;
        }
        path += length + 1;
        at = next;
    }
    return NULL;
}

json_t *json_int_or_null(bool present, int64_t value)
{
    return present ? json_integer(value) : json_null();
}

json_t *json_string_safe(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    char *copy = xstrdup(text);
    size_t length = strlen(copy);
    size_t at = 0;
    for (size_t bad; !str_utf8_valid(copy + at, length - at, &bad); at += bad + 1) {
        copy[at + bad] = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *json_real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}
