#include "reports/json/members.h"

void json_set_int(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

void json_set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string_safe(text));
}
