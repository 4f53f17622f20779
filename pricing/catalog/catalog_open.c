#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "asset_embed.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pricing/catalog/catalog.h"

static const char *const names[CATALOG_TABLES] = {[CATALOG_NODES] = "on-demand.csv",
                                                  [CATALOG_GROUPS] = "unit-prices.csv",
                                                  [CATALOG_FAMILIES] = "families.csv",
                                                  [CATALOG_SERVERLESS] = "serverless.csv",
                                                  [CATALOG_LIMITS] = "max-pods.csv"};

static void embedded(struct catalog_file *files)
{
    const char *const texts[CATALOG_TABLES] = {(const char *)asset_on_demand_csv, (const char *)asset_unit_prices_csv,
                                               (const char *)asset_families_csv, (const char *)asset_serverless_csv,
                                               (const char *)asset_max_pods_csv};
    const size_t lengths[CATALOG_TABLES] = {asset_on_demand_csv_length, asset_unit_prices_csv_length,
                                            asset_families_csv_length, asset_serverless_csv_length,
                                            asset_max_pods_csv_length};
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        files[i] = (struct catalog_file){names[i], texts[i], lengths[i]};
    }
}

/* The files that a folder has. */
struct folder {
    char *paths[CATALOG_TABLES];
    struct buf texts[CATALOG_TABLES];
};

static void folder_release(struct folder *folder)
{
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        buf_release(&folder->texts[i]);
        free(folder->paths[i]);
    }
}

/* A price file under a name that is none of ours would be left out without a word. */
static int note_entry(struct folder *folder, const char *path, const char *entry, struct err *err)
{
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        if (strcmp(names[i], entry) == 0) {
            folder->paths[i] = fs_join(path, entry);
            return 0;
        }
    }
    if (entry[0] == '.' || !str_ends(entry, ".csv")) {
        return 0;
    }
    err_set(err, ERR_CONFIG, "%s/%.100s is none of the files of a price catalog", path, entry);
    const char *near = str_nearest(entry, names, CATALOG_TABLES);
    return near != NULL ? err_hint(err, "did you mean %s?", near)
                        : err_hint(err, "they are on-demand.csv, unit-prices.csv, families.csv, serverless.csv and max-pods.csv");
}

static int list_folder(struct folder *folder, const char *path, struct err *err)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        err_errno(err, ERR_NOINPUT, errno, "cannot read the price catalog %s", path);
        return err_hint(err, "name a folder with on-demand.csv or another file of a catalog: --catalog DIR, or pricing.catalog");
    }
    int failed = 0;
    size_t found = 0;
    for (struct dirent *entry = NULL; !failed && (entry = readdir(directory)) != NULL;) {
        failed = note_entry(folder, path, entry->d_name, err);
    }
    closedir(directory);
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        found += folder->paths[i] != NULL ? 1 : 0;
    }
    if (!failed && found == 0) {
        err_set(err, ERR_CONFIG, "%s has none of the files of a price catalog", path);
        return err_hint(err, "they are on-demand.csv, unit-prices.csv, families.csv, serverless.csv and max-pods.csv");
    }
    return failed;
}

static int read_folder(struct folder *folder, const char *path, struct catalog_file *files, struct err *err)
{
    if (list_folder(folder, path, err)) {
        return -1;
    }
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        if (folder->paths[i] == NULL) {
            continue;
        }
        if (fs_read(folder->paths[i], &folder->texts[i], err)) {
            err->class = err->class == ERR_DATA ? ERR_CONFIG : err->class;
            return -1;
        }
        files[i] = (struct catalog_file){folder->paths[i], buf_str(&folder->texts[i]), folder->texts[i].length};
    }
    return 0;
}

int catalog_open(const char *path, const struct currency *currency, struct catalog **out, struct err *err)
{
    struct catalog_file files[CATALOG_TABLES];
    struct folder folder = {0};
    embedded(files);
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        buf_init(&folder.texts[i], CATALOG_BYTES_MAX);
    }
    int failed = (path != NULL && read_folder(&folder, path, files, err)) || catalog_load(files, currency, out, err);
    folder_release(&folder);
    return failed ? -1 : 0;
}
