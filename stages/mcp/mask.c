#include "stages/mcp/mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static json_t *mask_object(const json_t *value)
{
    json_t *out = json_object();
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        char *name = xstrdup(key);
        str_mask_controls(name);
        json_object_set_new(out, name, mask_value(member));
        free(name);
    }
    return out;
}

json_t *mask_value(const json_t *value)
{
    if (json_is_string(value)) {
        return mask_text(json_string_value(value), SIZE_MAX);
    }
    if (json_is_object(value)) {
        return mask_object(value);
    }
    if (!json_is_array(value)) {
        return json_deep_copy(value);
    }
    json_t *out = json_array();
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(value, index, item)
    {
        json_array_append_new(out, mask_value(item));
    }
    return out;
}

json_t *mask_text(const char *text, size_t most)
{
    static const char more[] = "…";
    if (text == NULL) {
        return json_null();
    }
    bool cut = strlen(text) > most;
    char *copy = xstrndup(text, most);
    str_trim_utf8(copy);
    str_mask_controls(copy);
    char *shown = cut ? xasprintf("%s%s", copy, more) : xstrdup(copy);
    json_t *out = json_string_safe(shown);
    free(shown);
    free(copy);
    return out;
}

void mask_lines(char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n\t");
        char after = text[length];
        text[length] = '\0';
        str_mask_controls(text);
        text += length;
        *text = after;
        text += after != '\0';
    }
}
