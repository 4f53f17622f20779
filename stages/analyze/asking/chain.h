#ifndef TARE_ANALYZE_ASKING_CHAIN_H
#define TARE_ANALYZE_ASKING_CHAIN_H

/*
 * The chain of providers, in the order in which they are asked about each workload; the rules stand at its end. A provider that cannot be
 * used (no key, its key refused, failure after failure) is passed over for the rest of the run, and says why.
 */

#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "stages/common/llm/llm.h"
#include "stages/common/llm/llm_cost.h"

enum { LINKS_MAX = 4, LINK_REASON_MAX = 400 };

/* One provider of the chain. */
struct link {
    const struct llm_provider *provider;
    const char *model; /* as asked; borrowed from options, configuration or provider */
    struct llm *llm;   /* NULL: it is not asked */
    struct llm_price price;
    bool narrow;  /* a server of one's own: its schema may change with each question */
    bool off;     /* not asked any more */
    int failures; /* in a row */
    char why[LINK_REASON_MAX]; /* it is off */
};

struct chain {
    struct link links[LINKS_MAX];
    size_t count;
};

/* The chain of --llm, --llm-model, --llm-url or of analysis.* (both borrowed for as long as the chain lives); none where the rules decide
 * alone. `connect`: with clients; else nothing is looked at that only asking needs (keys, addresses). A key that is not there is no error:
 * its provider is off. ERR_USAGE, ERR_CONFIG. Release with chain_release also after an error. */
int chain_open(const struct options *options, const struct config *config, bool connect, struct chain *out, struct err *err);
void chain_release(struct chain *chain);

/* New [{provider,model},…], the rules last, for the header. */
json_t *chain_settings(const struct chain *chain);

/* Notes a failure; takes the provider out of the run where asking again is useless (`gone`) or has been for some time. */
void link_failed(struct link *link, bool gone, const char *why);

#endif
