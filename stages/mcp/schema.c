#include "stages/mcp/schema.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { NAMES_MAX = 32 };

static bool is_type(const json_t *value, const char *type)
{
    return (str_equal(type, "object") && json_is_object(value)) || (str_equal(type, "array") && json_is_array(value)) ||
           (str_equal(type, "string") && json_is_string(value)) || (str_equal(type, "integer") && json_is_integer(value)) ||
           (str_equal(type, "number") && json_is_number(value)) || (str_equal(type, "boolean") && json_is_boolean(value));
}

static int check_type(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    const char *type = json_string_or_null(schema, "type");
    if (type == NULL || is_type(value, type)) {
        return 0;
    }
    bool vowel = strchr("aeio", type[0]) != NULL;
    return err_set(err, ERR_USAGE, "%s must be %s %s", where, vowel ? "an" : "a", type);
}

static int check_enum(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    const json_t *values = json_object_get(schema, "enum");
    size_t index = 0;
    const json_t *one = NULL;
    json_array_foreach(values, index, one)
    {
        if (json_equal(one, value)) {
            return 0;
        }
    }
    if (values == NULL) {
        return 0;
    }
    char *all = json_text(values);
    err_set(err, ERR_USAGE, "%s must be one of %s", where, all);
    free(all);
    return -1;
}

static int check_text(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    int64_t least = json_int_or(schema, "minLength", 0);
    int64_t most = json_int_or(schema, "maxLength", INT64_MAX);
    const char *pattern = json_string_or_null(schema, "pattern");
    int64_t length = (int64_t)json_string_length(value);
    if (length < least || length > most) {
        return err_set(err, ERR_USAGE, "%s has %" PRId64 " bytes, it must have %" PRId64 " to %" PRId64, where, length, least, most);
    }
    regex_t regex;
    if (pattern == NULL || regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB)) {
        return 0;
    }
    bool fits = regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&regex);
    return fits ? 0 : err_set(err, ERR_USAGE, "%s is \"%s\", it must fit %s", where, json_string_value(value), pattern);
}

static int check_number(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    double least;
    double most;
    double number = json_number_value(value);
    if (json_get_number(schema, "minimum", &least) && number < least) {
        return err_set(err, ERR_USAGE, "%s must be at least %.15g", where, least);
    }
    if (json_get_number(schema, "maximum", &most) && number > most) {
        return err_set(err, ERR_USAGE, "%s must be at most %.15g", where, most);
    }
    return 0;
}

static int check_items(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    int64_t least = json_int_or(schema, "minItems", 0);
    int64_t most = json_int_or(schema, "maxItems", INT64_MAX);
    int64_t count = (int64_t)json_array_size(value);
    const json_t *items = json_object_get(schema, "items");
    size_t index = 0;
    const json_t *item = NULL;
    if (count < least || count > most) {
        return err_set(err, ERR_USAGE, "%s has %" PRId64 " items, it must have %" PRId64 " to %" PRId64, where, count, least, most);
    }
    json_array_foreach(value, index, item)
    {
        char *its = xasprintf("%s[%zu]", where, index);
        int failed = schema_check(items, item, its, err);
        free(its);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int unknown_member(const json_t *properties, const char *key, const char *where, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    const char *name = NULL;
    const json_t *ignored = NULL;
    char list[256] = "";
    json_object_foreach((json_t *)(uintptr_t)properties, name, ignored)
    {
        if (count < NAMES_MAX) {
            size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", count == 0 ? "" : ", ", name);
            names[count++] = name;
        }
    }
    const char *near = str_nearest(key, names, count);
    err_set(err, ERR_USAGE, "%s has no member \"%s\"", where, key);
    return near != NULL ? err_hint(err, "did you mean \"%s\"?", near) : err_hint(err, "it has %s", count == 0 ? "none" : list);
}

static int check_members(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *key = NULL;
    const json_t *member = NULL;
    size_t index = 0;
    json_array_foreach(json_object_get(schema, "required"), index, member)
    {
        if (json_object_get(value, json_string_value(member)) == NULL) {
            return err_set(err, ERR_USAGE, "%s lacks the member \"%s\"", where, json_string_value(member));
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const json_t *its_schema = json_object_get(properties, key);
        if (its_schema == NULL && json_is_false(json_object_get(schema, "additionalProperties"))) {
            return unknown_member(properties, key, where, err);
        }
        char *its = xasprintf("%s.%s", where, key);
        int failed = its_schema != NULL && schema_check(its_schema, member, its, err);
        free(its);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

int schema_check(const json_t *schema, const json_t *value, const char *where, struct err *err)
{
    if (check_type(schema, value, where, err) || check_enum(schema, value, where, err)) {
        return -1;
    }
    if (json_is_string(value)) {
        return check_text(schema, value, where, err);
    }
    if (json_is_number(value)) {
        return check_number(schema, value, where, err);
    }
    return json_is_array(value)    ? check_items(schema, value, where, err)
           : json_is_object(value) ? check_members(schema, value, where, err)
                                   : 0;
}
