#ifndef TARE_STAGES_COMMON_PRICING_BOOK_H
#define TARE_STAGES_COMMON_PRICING_BOOK_H

/*
 * The price book: the unit prices that options and configuration ask for, one for each node pool of `pricing.pools` and
 * one for everything else, found once in the catalog. It needs no artifact, so every program can open one.
 */

#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pipeline/io/json.h"
#include "pricing/unit/unit.h"

struct price_book;

/* Opens the catalog and finds the price of each pool. Options and configuration are borrowed and must outlive the book.
 * *out new, free with price_book_free. ERR_USAGE for what an option says wrongly, ERR_CONFIG (with file and line) for
 * what the configuration or a price file does. */
int price_book_open(const struct options *options, const struct config *config, struct price_book **out,
                    struct err *err);

/* Frees; NULL is allowed. */
void price_book_free(struct price_book *book);

/* Says which namespace workloads without one are in (copied); without this it is "default". */
void price_book_namespace(struct price_book *book, const char *namespace);

/* Unit prices of a record's workload (NULL: of none): those of the first pool whose `match` fits, else the default ones.
 * Borrowed. */
const struct unit_price *price_book_for(const struct price_book *book, const json_t *record);

/* The pools' prices in the order in which they are tried, the default one last; ->pool is the name. Borrowed. */
size_t price_book_count(const struct price_book *book);
const struct unit_price *price_book_at(const struct price_book *book, size_t index);

/*
 * Opens the catalog that options (NULL: none) and configuration name, or `folder` where it is not NULL. *currency receives the
 * configured one, its code NULL where there is none; strings are borrowed from the configuration. ERR_CONFIG for a rate that is none.
 */
int price_catalog_open(const struct options *options, const struct config *config, const char *folder,
                       struct currency *currency, struct catalog **out, struct err *err);

/*
 * New `settings.price` of an artifact's header: the members of the default price (as cost.price has them), and
 *   "catalog" (digest), "catalog_files" [{name, sha256}] (in the order of enum catalog_table), "catalog_folder" | null (embedded),
 *   "hours" (of a month), "currency" {code, per_usd_ppm, date} | null,
 *   "cluster_fee_microusd_per_hour" | null,
 *   "terms" {discounts_ppm[], reserved | spot {share_ppm, discount_ppm, source} | null, paid_ppm}, "on_prem" {…} | null,
 *   "ratio_microusd_per_vcpu_hour", "ratio_microusd_per_gib_hour" (C and R of the family, null where none was needed),
 *   "pools" [{"name" (null: everything else, the last one), "match" | null, "serverless" (bool), "price" (as cost.price, with
 *     terms, on_prem and ratio_…), "node" {instance, vcpu_milli, gib_milli, list_microusd_per_hour, microusd_per_hour (as it is
 *     paid), max_pods, reserved {cpu_millicores, memory_bytes}} | null where no node is known, "steps" [unit_price_steps]}],
 *   "candidates" [{instance, vcpu_milli, gib_milli, microusd_per_hour (paid on the default pool's terms), max_pods, reserved}]:
 *     node types of the default pool's provider and region of 2 to 96 vCPU that its pods could run on as well.
 */
json_t *price_book_settings(const struct price_book *book);

#endif
