#include "stages/apply/stale.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/apply/differ.h"
#include "stages/common/pricing/book.h"
#include "stages/common/target_files.h"

/* ---- Policy ---- */

/* Both digests, where nothing more is known. */
static int policy_moved(const struct permit *permit, const char *then, const struct difference *difference, struct err *err)
{
    char more[80] = "";
    if (difference->count > 1) {
        snprintf(more, sizeof more, " (and %zu other %s)", difference->count - 1,
                 difference->count == 2 ? "place" : "places");
    }
    if (difference->count == 0) {
        err_set(err, ERR_STALE, "the plan is stale: the policy has the digest %s, the plan was judged by %s",
                permit->inforce->digest, then);
    } else {
        err_set(err, ERR_STALE,
                "the plan is stale: %s is %s, the plan was judged by %s%s; the policy has the digest %s, the plan was judged by %s",
                difference->place, difference->now, difference->then, more, permit->inforce->digest, then);
    }
    return err_hint(err, "judge it again: tare rerun %" PRId64 " --from gate", permit->run->id);
}

static int same_policy(const struct permit *permit, const struct apply_plan *plan, struct err *err)
{
    const char *then = json_string_or_null(plan->judged, "policy");
    struct difference difference = {.count = 0};
    if (then == NULL || strcmp(then, permit->inforce->digest) == 0) {
        return 0;
    }
    const json_t *governed = json_object_get(plan->judged, "governed");
    if (governed != NULL) {
        difference_find(governed, permit->inforce->governed, &difference);
    }
    return policy_moved(permit, then, &difference, err);
}

/* ---- Prices ---- */

static int prices_hint(const struct permit *permit, struct err *err)
{
    return err_hint(err, "price it again: tare rerun %" PRId64 " --from price", permit->run->id);
}

/* The file whose bytes moved, as ": FILE has the sha256 …"; false where the plan does not say what its files were. */
static bool name_file(const struct apply_plan *plan, const struct catalog *catalog, char *out, size_t size)
{
    size_t index = 0;
    const json_t *then = NULL;
    json_array_foreach(json_object_get(plan->prices, "catalog_files"), index, then)
    {
        const char *sha256 = json_string_or_null(then, "sha256");
        if (index >= CATALOG_TABLES) {
            return false;
        }
        const struct catalog_part *now = catalog_part_at(catalog, (enum catalog_table)index);
        if (sha256 != NULL && strcmp(sha256, now->sha256) != 0) {
            snprintf(out, size, "; %.200s has the sha256 %s, the plan was made from %s", now->name, now->sha256, sha256);
            return true;
        }
    }
    return false;
}

/* The first pool whose node type has another price or date now, as "; own.large … line 2 …". */
static bool name_row(const struct apply_plan *plan, const struct catalog *catalog, char *out, size_t size)
{
    size_t index = 0;
    const json_t *pool = NULL;
    json_array_foreach(json_object_get(plan->prices, "pools"), index, pool)
    {
        const json_t *price = json_object_get(pool, "price");
        const char *provider = json_string_or_null(price, "provider");
        const char *region = json_string_or_null(price, "region");
        const char *instance = json_string_or_null(json_object_get(pool, "node"), "instance");
        const char *date = json_string_or_null(price, "date");
        int64_t then = json_int_or(json_object_get(pool, "node"), "list_microusd_per_hour", -1);
        if (provider == NULL || region == NULL || instance == NULL || then < 0) {
            continue;
        }
        const struct node_price *now = catalog_node(catalog, provider, region, instance);
        const char *file = catalog_part_at(catalog, CATALOG_NODES)->name;
        if (now == NULL) {
            snprintf(out, size, "; %.100s has no price of %s in %s any more", file, instance, region);
            return true;
        }
        if (now->microusd_per_hour != then || !str_equal(now->date, date)) {
            snprintf(out, size,
                     "; %s in %s costs %" PRId64 " microdollars an hour on %s (%.100s, line %zu), the plan says %" PRId64 " on %s",
                     instance, region, now->microusd_per_hour, now->date, file, now->line, then, date == NULL ? "no date" : date);
            return true;
        }
    }
    return false;
}

static int same_table(const struct permit *permit, const struct apply_plan *plan, const struct catalog *catalog, struct err *err)
{
    char file[480] = "";
    char row[480] = "";
    const char *then = json_string_or_null(plan->prices, "catalog");
    bool moved = name_file(plan, catalog, file, sizeof file);
    if (then == NULL || (!moved && strcmp(then, catalog_digest(catalog)) == 0)) {
        return 0;
    }
    bool named = name_row(plan, catalog, row, sizeof row);
    err_set(err, ERR_STALE, "the plan is stale: the price table has the digest %s, the plan was made from %s%s%s",
            catalog_digest(catalog), then, named ? row : "", moved ? file : "");
    return prices_hint(permit, err);
}

static int same_rate(const struct permit *permit, const struct apply_plan *plan, const struct currency *now, struct err *err)
{
    const json_t *then = json_object_get(plan->prices, "currency");
    const char *code = json_string_or_null(then, "code");
    const char *date = json_string_or_null(then, "date");
    int64_t rate = json_int_or(then, "per_usd_ppm", 0);
    if (then == NULL || (str_equal(code, now->code) && str_equal(date, now->date) && (code == NULL || rate == now->per_usd_ppm))) {
        return 0;
    }
    err_set(err, ERR_STALE,
            "the plan is stale: pricing.currency is %s at %" PRId64 " millionths a dollar on %s, the plan was priced with %s at %" PRId64
            " on %s",
            now->code == NULL ? "none" : now->code, now->per_usd_ppm, now->date == NULL ? "no date" : now->date,
            code == NULL ? "none" : code, rate, date == NULL ? "no date" : date);
    return prices_hint(permit, err);
}

/* Price files that are gone are another table too. */
static int same_prices(const struct permit *permit, const struct apply_plan *plan, struct err *err)
{
    struct catalog *catalog = NULL;
    struct currency currency = {0};
    if (json_string_or_null(plan->prices, "catalog") == NULL) {
        return 0;
    }
    const char *folder = json_string_or_null(plan->prices, "catalog_folder");
    if (price_catalog_open(NULL, permit->stage->config, folder, &currency, &catalog, err)) {
        err->class = ERR_STALE;
        err_prefix(err, "the plan is stale: the prices that it was made from cannot be read");
        return prices_hint(permit, err);
    }
    int failed = same_rate(permit, plan, &currency, err) || same_table(permit, plan, catalog, err);
    catalog_free(catalog);
    return failed ? -1 : 0;
}

/* ---- Files ---- */

/* What became of one file, as text; false where it is as it was. What cannot be read any more is not what the plan was made
 * from. */
static bool file_moved(const char *root, const char *path, const char *planned, char *out, size_t size)
{
    enum file_content content = FILE_OTHER;
    char found[DIGEST_HEX];
    struct err why = {0};
    if (target_file_compare(root, path, planned, "", &content, found, &why)) {
        snprintf(out, size, "%.300s has no sha256 any more (%.300s), the plan was made from %s", path, why.message, planned);
    } else if (content != FILE_BEFORE) {
        snprintf(out, size, "%.400s %s%s, the plan was made from %s", path,
                 content == FILE_MISSING ? "is not there" : "has the sha256 ", found, planned);
    } else {
        return false;
    }
    return true;
}

/* Adds the first file that moved to the message and counts the others. */
static int same_files(const struct permit *permit, const struct apply_plan *plan, const char *root, const json_t *begun,
                      struct err *err)
{
    size_t moved = 0;
    char first[ERR_MESSAGE_MAX] = "";
    char more[48] = "";
    const char *path = NULL;
    json_t *digest = NULL;
    json_object_foreach(plan->sources, path, digest)
    {
        char what[ERR_MESSAGE_MAX];
        if (json_object_get(begun, path) == NULL && file_moved(root, path, json_string_value(digest), what, sizeof what) &&
            moved++ == 0) {
            snprintf(first, sizeof first, "%s", what);
        }
    }
    if (moved == 0) {
        return 0;
    }
    if (moved > 1) {
        snprintf(more, sizeof more, "; %zu more file%s moved too", moved - 1, moved == 2 ? "" : "s");
    }
    err_set(err, ERR_STALE, "the plan is stale: %.900s%s", first, more);
    return err_hint(err, "make a new plan: tare rerun %" PRId64 " --from parse", permit->run->id);
}

int stale_check(const struct permit *permit, const struct apply_plan *plan, const char *root, const json_t *begun,
                struct err *err)
{
    if (!str_equal(permit->run->program, tare_version())) {
        log_info("the plan was made by tare %s, this is %s", permit->run->program, tare_version());
    }
    return same_policy(permit, plan, err) || same_prices(permit, plan, err) || same_files(permit, plan, root, begun, err) ? -1 : 0;
}
