#include "stages/price/query.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "pricing/money.h"

/* One thing that can come from an option or from a key of the configuration. */
struct source {
    enum option_id option;
    const char *flag;
    const char *key;
};

static const struct source provider_source = {OPT_PROVIDER, "--provider", "pricing.provider"};
static const struct source region_source = {OPT_REGION, "--region", "pricing.region"};
static const struct source instance_source = {OPT_INSTANCE, "--instance", "pricing.instance"};
static const struct source discount_source = {OPT_DISCOUNT, "--discount", "pricing.discount"};
static const struct source vcpu_source = {OPT_USD_PER_VCPU_HOUR, "--usd-per-vcpu-hour",
                                          "pricing.usd_per_vcpu_hour"};
static const struct source gib_source = {OPT_USD_PER_GIB_HOUR, "--usd-per-gib-hour",
                                         "pricing.usd_per_gib_hour"};

static struct price_name name_from(const struct options *options, const struct config *config,
                                   const struct source *source)
{
    if (options_given(options, source->option)) {
        return (struct price_name){options_string(options, source->option), ERR_USAGE, source->flag};
    }
    const char *configured = config == NULL ? NULL : config_string(config, source->key);
    return (struct price_name){configured, ERR_CONFIG, source->key};
}

/* −1 where neither gives an amount. */
static int amount_from(const struct options *options, const struct config *config,
                       const struct source *source, int64_t *micro, struct err *err)
{
    struct err inner = {0};
    *micro = -1;
    if (options_given(options, source->option)) {
        if (money_parse(options_string(options, source->option), micro, &inner) != 0) {
            return err_set(err, ERR_USAGE, "%s: %s", source->flag, inner.message);
        }
        return 0;
    }
    double configured = config == NULL ? NAN : config_number(config, source->key, NAN);
    if (!isnan(configured) && money_from_real(configured, micro, &inner) != 0) {
        return err_set(err, ERR_CONFIG, "%s: %s", source->key, inner.message);
    }
    return 0;
}

static int discount_from(const struct options *options, const struct config *config, int64_t *ppm,
                         struct err *err)
{
    bool typed = options_given(options, OPT_DISCOUNT);
    struct err inner = {0};
    *ppm = 0;
    if (amount_from(options, config, &discount_source, ppm, &inner) != 0 || *ppm >= DISCOUNT_SCALE) {
        err_set(err, typed ? ERR_USAGE : ERR_CONFIG, "%s is not a share from 0 to below 1",
                typed ? discount_source.flag : discount_source.key);
        return err_hint(err, "write 30 percent off as 0.3; several discounts compound: 1 - (1 - a)(1 - b)");
    }
    *ppm = *ppm < 0 ? 0 : *ppm;
    return 0;
}

int price_query_make(const struct options *options, const struct config *config, struct price_query *query,
                     struct err *err)
{
    const char *configured = config_string(config, provider_source.key);
    struct price_name provider = name_from(options, config, &provider_source);
    const char *provider_of_config = configured == NULL ? DEFAULT_PROVIDER : configured;
    bool same = provider.text == NULL || str_equal(provider.text, provider_of_config);
    const struct config *about = same ? config : NULL;
    *query = (struct price_query){.provider = provider,
                                  .region = name_from(options, about, &region_source),
                                  .instance = name_from(options, about, &instance_source)};
    bool typed =
        options_given(options, OPT_USD_PER_VCPU_HOUR) || options_given(options, OPT_USD_PER_GIB_HOUR);
    query->override_blame = typed ? ERR_USAGE : ERR_CONFIG;
    return amount_from(options, about, &vcpu_source, &query->microusd_per_vcpu_hour, err) != 0 ||
                   amount_from(options, about, &gib_source, &query->microusd_per_gib_hour, err) != 0 ||
                   discount_from(options, config, &query->discount_ppm, err) != 0
               ? -1
               : 0;
}
