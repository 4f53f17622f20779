#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

/* ---- Amounts, in thousandths ---- */

static int64_t factor_of(const char *suffix, bool *binary)
{
    static const char *const decimal[] = {"", "k", "M", "G", "T"};
    static const char *const powers[] = {"Ki", "Mi", "Gi", "Ti"};
    int64_t factor = 1000;
    *binary = false;
    if (str_equal(suffix, "m")) {
        return 1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(decimal); i++, factor *= 1000) {
        if (str_equal(suffix, decimal[i])) {
            return factor;
        }
    }
    factor = 1000 * 1024;
    *binary = true;
    for (size_t i = 0; i < ARRAY_COUNT(powers); i++, factor *= 1024) {
        if (str_equal(suffix, powers[i])) {
            return factor;
        }
    }
    return 0;
}

static void write_binary(int64_t value, char out[64])
{
    static const char *const powers[] = {"", "Ki", "Mi", "Gi", "Ti"};
    size_t power = 0;
    while (value != 0 && value % 1024 == 0 && power + 1 < ARRAY_COUNT(powers)) {
        value /= 1024;
        power++;
    }
    snprintf(out, 64, "%" PRId64 "%s", value, powers[power]);
}

static void write_decimal(int64_t value, char out[64])
{
    static const char *const decimal[] = {"m", "", "k", "M", "G", "T"};
    size_t power = value == 0 ? 1 : 0;
    while (value != 0 && value % 1000 == 0 && power + 1 < ARRAY_COUNT(decimal)) {
        value /= 1000;
        power++;
    }
    snprintf(out, 64, "%" PRId64 "%s", value, decimal[power]);
}

void sim_amount(const char *text, char out[64])
{
    char *end = NULL;
    bool binary = false;
    int64_t value = strtoll(text, &end, 10);
    int64_t fraction = 0;
    if (*end == '.') {
        int64_t place = 100;
        for (end++; *end >= '0' && *end <= '9'; end++, place /= 10) {
            fraction += (*end - '0') * place;
        }
    }
    int64_t factor = factor_of(end, &binary);
    if (factor == 0) {
        snprintf(out, 64, "%s", text);
        return;
    }
    int64_t thousandths = value * factor + fraction * factor / 1000;
    if (binary && thousandths % 1000 == 0) {
        write_binary(thousandths / 1000, out);
    } else {
        write_decimal(thousandths, out);
    }
}

/* ---- Objects ---- */

json_t *sim_template(const json_t *object)
{
    json_t *spec = json_object_get(object, "spec");
    json_t *job = json_object_get(json_object_get(spec, "jobTemplate"), "spec");
    return json_object_get(job != NULL ? job : spec, "template");
}

static void normalise_section(json_t *resources, const char *name)
{
    json_t *section = json_object_get(resources, name);
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    if (section == NULL) {
        return;
    }
    if (!json_is_object(section) || json_object_size(section) == 0) {
        json_object_del(resources, name);
        return;
    }
    json_object_foreach_safe(section, next, key, value)
    {
        char amount[64];
        char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
        sim_amount(text, amount);
        json_object_set_new(section, key, json_string(amount));
        free(text);
    }
}

static void normalise_containers(json_t *list)
{
    size_t index = 0;
    json_t *container = NULL;
    json_array_foreach(list, index, container)
    {
        json_t *resources = json_object_get(container, "resources");
        if (!json_is_object(resources)) {
            resources = json_object();
            json_object_set_new(container, "resources", resources);
        }
        normalise_section(resources, "requests");
        normalise_section(resources, "limits");
    }
}

void sim_normalise(json_t *object)
{
    json_t *pod = json_object_get(sim_template(object), "spec");
    pod = pod != NULL ? pod : json_object_get(object, "spec");
    normalise_containers(json_object_get(pod, "containers"));
    normalise_containers(json_object_get(pod, "initContainers"));
}

json_t *sim_resources(const json_t *object)
{
    static const char *const lists[] = {"containers", "initContainers"};
    json_t *pod = json_object_get(sim_template(object), "spec");
    json_t *out = json_object();
    pod = pod != NULL ? pod : json_object_get(object, "spec");
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        json_t *container = NULL;
        json_array_foreach(json_object_get(pod, lists[i]), index, container)
        {
            json_t *resources = json_object_get(container, "resources");
            json_object_set_new(out, json_string_value(json_object_get(container, "name")),
                                resources == NULL ? json_object() : json_deep_copy(resources));
        }
    }
    return out;
}
