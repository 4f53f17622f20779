/* tare.yaml from anywhere. A refusal names the file; whatever is accepted has every default and only values of the documented types. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/config_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool fits(enum config_type type, const json_t *value)
{
    switch (type) {
    case CONFIG_BOOL:
        return json_is_boolean(value);
    case CONFIG_INTEGER:
    case CONFIG_DURATION:
    case CONFIG_CPU:
    case CONFIG_MEMORY:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case CONFIG_NUMBER:
        return json_is_real(value) && json_real_value(value) >= 0;
    case CONFIG_MAP:
        return json_is_object(value);
    case CONFIG_STRING:
    case CONFIG_PATH:
    case CONFIG_TIME:
    case CONFIG_CHOICE:
        return json_is_string(value);
    case CONFIG_KEYS:
        return json_is_object(value);
    }
    return true;
}

static void check_list(const struct config_row *row, const json_t *list)
{
    size_t index;
    json_t *item;
    must(json_is_array(list));
    json_array_foreach(list, index, item)
    {
        must(fits(row->type, item));
    }
}

/* Keys without lists of sections in them can be asked for as they stand. */
static void check_values(const struct config *config)
{
    size_t count;
    const struct config_row *rows = config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char key[256];
        snprintf(key, sizeof key, "%s", rows[i].key);
        bool is_list = str_ends(key, "[]");
        if (is_list) {
            key[strlen(key) - 2] = '\0';
        }
        if (strstr(key, "[].") != NULL) {
            continue;
        }
        const json_t *value = config_value(config, key);
        if (value != NULL && is_list) {
            check_list(&rows[i], value);
        } else if (value != NULL) {
            must(fits(rows[i].type, value));
        }
    }
    must(config_value(config, "policy.guardrails.max_decrease_percent") != NULL);
    must(config_value(config, "policy.guardrails.min_cpu") != NULL);
    must(config_value(config, "policy.exclude.namespaces") != NULL);
    must(json_is_array(config_value(config, "windows")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready) {
        json_init();
        log_init("fuzz", LOG_TEXT, LOG_ERROR);
        ready = true;
    }
    struct config *config = NULL;
    struct err err = {0};
    if (config_parse((const char *)data, size, "tare.yaml", &config, &err)) {
        must(err.class == ERR_CONFIG && str_starts(err.message, "tare.yaml"));
        return 0;
    }
    check_values(config);
    config_free(config);
    return 0;
}
