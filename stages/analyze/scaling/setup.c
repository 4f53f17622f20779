#include "stages/analyze/scaling/setup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/scaling/manifest/names.h"
#include "stages/analyze/subject/model.h"
#include "stages/common/pricing/book.h"

struct scaling_setup {
    const struct config *config;
    struct tz *tz;
    struct price_book *prices; /* NULL: no policy speaks of money */
};

enum { IMAGE_MAX = 255 };

/* Whether a text can be an image's name; what it names is the registry's affair. */
static bool is_image(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] <= ' ' || (unsigned char)name[i] >= 127) {
            return false;
        }
    }
    return length > 0 && length <= IMAGE_MAX;
}

/* Refuses an entry of scaling.policies. */
static int refuse(const struct config *config, struct err *err, size_t index, const char *key, const char *sentence)
{
    char path[64];
    (void)snprintf(path, sizeof path, "scaling.policies[%zu].%s", index, key);
    return config_error(config, err, path, "%s", sentence);
}

static bool positive_or_absent(const json_t *policy, const char *key)
{
    double value;
    return !json_get_number(policy, key, &value) || value > 0;
}

static bool name_is_used(const json_t *policies, size_t index, const char *name)
{
    for (size_t i = 0; i < index; i++) {
        if (str_equal(json_string_or_null(json_array_get(policies, i), "name"), name)) {
            return true;
        }
    }
    return false;
}

static int check_bounds(const struct config *config, const json_t *policy, size_t index, struct err *err)
{
    static const char *const keys[] = {"min", "max", "max_increment", "max_decrement", "max_monthly_cost_usd"}; /* money last */
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (!positive_or_absent(policy, keys[i])) {
            return refuse(config, err, index, keys[i], "must be above 0");
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys) - 1; i++) {
        if (json_int_or(policy, keys[i], 0) > PODS_MAX) {
            return refuse(config, err, index, keys[i], "must be at most 1000000");
        }
    }
    if (json_int_or(policy, "min", 1) > json_int_or(policy, "max", INT64_MAX)) {
        return refuse(config, err, index, "min", "is above max");
    }
    return 0;
}

static int check_policy(const struct config *config, const json_t *policies, size_t index, struct err *err)
{
    const json_t *policy = json_array_get(policies, index);
    const char *name = json_string_or_null(policy, "name");
    const char *type = json_string_or_null(policy, "type");
    const char *query = json_string_or_null(policy, "query");
    double target = 0;
    if (!name_is_label(name)) {
        return refuse(config, err, index, "name", "must be small letters, digits and '-', at most 63");
    }
    if (name_is_used(policies, index, name)) {
        return refuse(config, err, index, "name", "is the name of an earlier policy, too");
    }
    if (!type) {
        return refuse(config, err, index, "type", "is needed: slo, cost or proportional");
    }
    if (str_equal(type, "cost")) {
        if (!json_get_number(policy, "max_monthly_cost_usd", &target)) {
            return refuse(config, err, index, "max_monthly_cost_usd", "is needed by a policy of type cost");
        }
        return check_bounds(config, policy, index, err);
    }
    if (!query || *query == '\0') {
        return refuse(config, err, index, "query", "is needed by a policy of this type");
    }
    if (!json_get_number(policy, "target", &target) || !(target > 0)) {
        return refuse(config, err, index, "target", "must be above 0");
    }
    return check_bounds(config, policy, index, err);
}

int scaling_setup_new(const struct config *config, struct scaling_setup **out, struct err *err)
{
    struct scaling_setup *setup = xcalloc(sizeof *setup);
    const json_t *policies = config_value(config, "scaling.policies");
    bool money = false;
    int failed = 0;
    setup->config = config;
    struct err why = {0};
    if (tz_load(scaling_zone_name(setup), &setup->tz, &why)) {
        failed = config_error(config, err, "scaling.timezone", "%s", why.message);
    }
    if (!failed && !is_image(scaling_image(setup))) {
        failed = config_error(config, err, "scaling.kubectl_image", "must name an image, without blanks and of at most %d bytes",
                              IMAGE_MAX);
    }
    for (size_t i = 0; i < json_array_size(policies) && !failed; i++) {
        double limit;
        failed = check_policy(config, policies, i, err);
        money = money || json_get_number(json_array_get(policies, i), "max_monthly_cost_usd", &limit);
    }
    if (failed || (money && price_book_open(NULL, config, &setup->prices, err))) {
        scaling_setup_free(setup);
        return -1;
    }
    *out = setup;
    return 0;
}

void scaling_setup_free(struct scaling_setup *setup)
{
    if (setup) {
        tz_free(setup->tz);
        price_book_free(setup->prices);
        free(setup);
    }
}

const struct tz *scaling_zone(const struct scaling_setup *setup)
{
    return setup->tz;
}

const char *scaling_zone_name(const struct scaling_setup *setup)
{
    const char *name = config_string(setup->config, "scaling.timezone");
    return name ? name : "UTC";
}

const json_t *scaling_policies(const struct scaling_setup *setup)
{
    return config_value(setup->config, "scaling.policies");
}

const struct unit_price *scaling_prices(const struct scaling_setup *setup)
{
    return setup->prices == NULL ? NULL : price_book_for(setup->prices, NULL);
}

const char *scaling_image(const struct scaling_setup *setup)
{
    return config_string(setup->config, "scaling.kubectl_image");
}

const char *scaling_server(const struct scaling_setup *setup)
{
    const char *url = config_string(setup->config, "metrics.prometheus");
    bool secret = config_value(setup->config, "metrics.bearer_token_file") || config_value(setup->config, "metrics.basic.username") ||
                  config_value(setup->config, "metrics.headers") || config_value(setup->config, "metrics.tls.certificate");
    return url && !secret && !strchr(url, '@') ? url : NULL;
}
