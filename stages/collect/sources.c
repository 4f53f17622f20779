#include "stages/collect/sources.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/offline/offline.h"
#include "stages/collect/range/range.h"
#include "stages/collect/remote/remote.h"

enum { PARALLEL_MAX = 32, KEY_MAX = 64 };

/* One server as one cluster's records see it. */
struct server {
    const char *cluster;   /* its entry in `clusters`; NULL: the top of the file, for all that have no entry */
    struct config *view;   /* the configuration as the entry's cluster sees it, NULL for the top */
    struct prom *prom;     /* NULL where no address is given */
    const char *asked;     /* auto, remote-read or query-range */
    pthread_mutex_t lock;  /* of what follows */
    struct source *source; /* NULL until it was asked for */
    struct err failure;    /* it was asked for in vain */
    char *first_cluster;   /* that was read from it */
    bool mixed;            /* and another one, which was told */
};

struct sources {
    const struct options *options;
    const struct config *config;
    struct server *servers; /* the top first, then the entries of `clusters` */
    size_t count;
    struct source *file; /* of --offline: the only source then */
    const char *path;
    size_t parallel;
    char *name;
};

/* What counts for a server: its entry over the rest of the file. */
static const struct config *config_of(const struct sources *sources, const struct server *server)
{
    return server->view != NULL ? server->view : sources->config;
}

/* Value of a key below `metrics` for a server. */
static const json_t *setting(const struct sources *sources, const struct server *server, const char *key)
{
    char whole[KEY_MAX];
    snprintf(whole, sizeof whole, "metrics.%s", key);
    return config_value(config_of(sources, server), whole);
}

static const char *text(const struct sources *sources, const struct server *server, const char *key)
{
    return json_string_value(setting(sources, server, key));
}

/* The same for a key that an option overrides for all servers; NULL where it does. */
static const json_t *overridable(const struct sources *sources, const struct server *server, const char *key, enum option_id id)
{
    return options_given(sources->options, id) ? NULL : setting(sources, server, key);
}

/* The address: an option gives only that of clusters that have none of their own, or figures of one cluster would be taken for
 * those of another. */
static const char *address(const struct sources *sources, const struct server *server)
{
    bool own = server->view != NULL && (config_own(server->view, "metrics.prometheus") || !options_given(sources->options, OPT_PROMETHEUS));
    return own ? text(sources, server, "prometheus") : options_string(sources->options, OPT_PROMETHEUS);
}

/* Says where the address or another key of a server stands. */
static int locate(const struct sources *sources, const struct server *server, const char *url, struct err *err)
{
    if (server->cluster != NULL) {
        return err_prefix(err, "cluster %s of %s", server->cluster, config_path(sources->config));
    }
    if (options_given(sources->options, OPT_PROMETHEUS) && url_check(url, "the metrics server", NULL)) {
        err->class = ERR_USAGE;
    }
    return -1;
}

static int check_label(const struct sources *sources, const struct prom_settings *settings, struct err *err)
{
    if ((settings->label_name == NULL) == (settings->label_value == NULL)) {
        return 0;
    }
    return config_error(sources->config, err, "metrics.cluster_label", "needs both a name and a value");
}

static int open_server(const struct sources *sources, struct server *server, struct err *err)
{
    const json_t *timeout = overridable(sources, server, "timeout", OPT_TIMEOUT);
    const json_t *source = overridable(sources, server, "source", OPT_SOURCE);
    server->asked = source != NULL ? json_string_value(source) : options_string(sources->options, OPT_SOURCE);
    struct prom_settings settings = {
        .url = address(sources, server),
        .connect_timeout_seconds = options_integer(sources->options, OPT_CONNECT_TIMEOUT, NULL),
        .timeout_seconds = timeout != NULL ? json_integer_value(timeout)
                                           : options_integer(sources->options, OPT_TIMEOUT, NULL),
        .headers = setting(sources, server, "headers"),
        .ca_file = text(sources, server, "tls.ca"),
        .label_name = text(sources, server, "cluster_label.name"),
        .label_value = text(sources, server, "cluster_label.value"),
        .bearer_token_file = text(sources, server, "bearer_token_file"),
        .basic_username = text(sources, server, "basic.username"),
        .basic_password_file = text(sources, server, "basic.password_file"),
        .certificate_file = text(sources, server, "tls.certificate"),
        .key_file = text(sources, server, "tls.key"),
    };
    if (settings.url == NULL) {
        return 0;
    }
    if (check_label(sources, &settings, err) || prom_new(&settings, &server->prom, err)) {
        return locate(sources, server, settings.url, err);
    }
    return 0;
}

static int open_servers(struct sources *sources, struct err *err)
{
    const json_t *clusters = config_value(sources->config, "clusters");
    sources->count = 1 + json_array_size(clusters);
    sources->servers = xcalloc_array(sources->count, sizeof *sources->servers);
    size_t addresses = 0;
    for (size_t i = 0; i < sources->count; i++) {
        pthread_mutex_init(&sources->servers[i].lock, NULL);
    }
    for (size_t i = 0; i < sources->count; i++) {
        struct server *server = &sources->servers[i];
        const json_t *entry = i == 0 ? NULL : json_array_get(clusters, i - 1);
        server->cluster = json_string_or_null(entry, "cluster");
        server->view = server->cluster == NULL ? NULL : config_for_cluster(sources->config, server->cluster);
        if (open_server(sources, server, err)) {
            return -1;
        }
        addresses += server->prom != NULL;
        if (server->prom != NULL && addresses == 1) {
            sources->name = xstrdup(prom_name(server->prom));
        }
    }
    if (addresses == 0) {
        err_set(err, ERR_USAGE, "no metrics server was given");
        return err_hint(err, "give --prometheus http://HOST:9090, or the key metrics.prometheus in tare.yaml, or --offline FILE");
    }
    if (addresses > 1) {
        free(sources->name);
        sources->name = xasprintf("the metrics servers of %zu clusters", addresses);
    }
    return 0;
}

static int open_file(struct sources *sources, struct err *err)
{
    static const enum option_id others[] = {OPT_PROMETHEUS, OPT_SOURCE};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (options_typed(sources->options, others[i])) {
            return err_set(err, ERR_USAGE, "--offline reads a file and --%s is about a server: give one of them",
                           option_table()[others[i]].long_name);
        }
    }
    sources->name = xstrdup(sources->path);
    return offline_new(sources->path, &sources->file, err);
}

static int read_parallel(struct sources *sources, struct err *err)
{
    int64_t parallel = options_integer(sources->options, OPT_PARALLEL, NULL);
    if (parallel >= 1 && parallel <= PARALLEL_MAX) {
        sources->parallel = (size_t)parallel;
        return 0;
    }
    if (options_given(sources->options, OPT_PARALLEL)) {
        return err_set(err, ERR_USAGE, "--parallel must be between 1 and %d", PARALLEL_MAX);
    }
    return config_error(sources->config, err, "metrics.parallel", "must be between 1 and %d", PARALLEL_MAX);
}

int sources_open(const struct options *options, const struct config *config, struct sources **out, struct err *err)
{
    struct sources *sources = xcalloc(sizeof *sources);
    sources->options = options;
    sources->config = config;
    sources->path = options_string(options, OPT_OFFLINE);
    if (read_parallel(sources, err) || (sources->path != NULL ? open_file(sources, err) : open_servers(sources, err))) {
        sources_free(sources);
        return -1;
    }
    *out = sources;
    return 0;
}

void sources_free(struct sources *sources)
{
    if (sources == NULL) {
        return;
    }
    for (size_t i = 0; i < sources->count; i++) {
        struct server *server = &sources->servers[i];
        if (server->source != NULL) {
            server->source->free(server->source);
        }
        prom_free(server->prom);
        config_free(server->view);
        pthread_mutex_destroy(&server->lock);
        free(server->first_cluster);
    }
    if (sources->file != NULL) {
        sources->file->free(sources->file);
    }
    free(sources->servers);
    free(sources->name);
    free(sources);
}

/* Says that the records of two clusters are read from one server that cannot tell them apart. */
static void warn_mixed(struct server *server, const char *cluster)
{
    if (cluster == NULL || server->mixed || prom_label_name(server->prom) != NULL) {
        return;
    }
    if (server->first_cluster == NULL) {
        server->first_cluster = xstrdup(cluster);
    } else if (strcmp(server->first_cluster, cluster) != 0) {
        server->mixed = true;
        log_warn("the records of the clusters %s and %s are both looked up at %s, and nothing tells their pods apart there: "
                 "give each an entry in `clusters` of tare.yaml with its own metrics.prometheus or metrics.cluster_label",
                 server->first_cluster, cluster, prom_name(server->prom));
    }
}

/* Remote read, where the server speaks it. */
static int probe(struct server *server, struct err *err)
{
    struct err why = {0};
    const char *name = prom_name(server->prom);
    bool only = strcmp(server->asked, "remote-read") == 0;
    switch (remote_probe(server->prom, &why)) {
    case REMOTE_SPOKEN:
        log_info("%s speaks remote read: samples are read as it keeps them", name);
        remote_new(server->prom, &server->source);
        return 0;
    case REMOTE_NOT_SPOKEN:
        if (!only) {
            log_info("%s is asked by query_range: %s", name, why.message);
            server->source = range_new(server->prom);
            return 0;
        }
        err_set(err, ERR_UNAVAILABLE, "--source remote-read was asked for, but %s", why.message);
        return err_hint(err, "use --source query-range, or auto, which finds out by itself");
    case REMOTE_NO_ANSWER:
        break;
    }
    *err = why;
    return err->hint[0] == '\0'
               ? err_hint(err, "see that the server runs and that --prometheus or metrics.prometheus is its address")
               : -1;
}

static int open_source(struct server *server, const char *cluster, struct err *err)
{
    if (server->prom == NULL) {
        const char *of = server->cluster != NULL ? server->cluster : cluster;
        err_set(err, ERR_UNAVAILABLE, "no metrics server was given for %s%s", of == NULL ? "records of no cluster" : "cluster ",
                of == NULL ? "" : of);
        return err_hint(err, "give its entry in `clusters` of tare.yaml a metrics.prometheus, or the file itself one");
    }
    if (strcmp(server->asked, "query-range") == 0) {
        server->source = range_new(server->prom);
        return 0;
    }
    return probe(server, err);
}

static struct server *find_server(const struct sources *sources, const char *cluster)
{
    for (size_t i = 1; cluster != NULL && i < sources->count; i++) {
        if (strcmp(sources->servers[i].cluster, cluster) == 0) {
            return &sources->servers[i];
        }
    }
    return &sources->servers[0];
}

int sources_get(struct sources *sources, const char *cluster, struct source **out, struct err *err)
{
    if (sources->file != NULL) {
        *out = sources->file;
        return 0;
    }
    struct server *server = find_server(sources, cluster);
    pthread_mutex_lock(&server->lock);
    if (server->source == NULL && server->failure.class == ERR_NONE) {
        open_source(server, cluster, &server->failure);
    }
    struct source *source = server->source;
    if (source == NULL) {
        *err = server->failure;
    } else {
        warn_mixed(server, cluster);
    }
    pthread_mutex_unlock(&server->lock);
    *out = source;
    return source == NULL ? -1 : 0;
}

size_t sources_parallel(const struct sources *sources)
{
    return sources->parallel;
}

bool sources_end(const struct sources *sources, int64_t *end)
{
    if (sources->file == NULL) {
        return false;
    }
    *end = offline_end(sources->file);
    return *end > 0;
}

/* What was taken where that is known, else what was asked for. */
static const char *taken(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    const char *name = server->source != NULL ? server->source->name : server->asked;
    pthread_mutex_unlock(&server->lock);
    return name;
}

static json_t *describe(struct server *server)
{
    json_t *out = json_object();
    if (server->prom != NULL) {
        json_object_set_new(out, "prometheus", json_string_safe(prom_name(server->prom)));
        json_object_set_new(out, "source", json_string(taken(server)));
    }
    return out;
}

void sources_describe(struct sources *sources, json_t *settings)
{
    if (sources->file != NULL) {
        json_object_set_new(settings, "source", json_string(sources->file->name));
        json_object_set_new(settings, "file", json_string_safe(sources->path));
        return;
    }
    json_t *top = describe(&sources->servers[0]);
    json_object_update(settings, top);
    json_decref(top);
    if (sources->count == 1) {
        return;
    }
    json_t *clusters = json_object();
    for (size_t i = 1; i < sources->count; i++) {
        json_object_set_new(clusters, sources->servers[i].cluster, describe(&sources->servers[i]));
    }
    json_object_set_new(settings, "clusters", clusters);
}

struct source_counts sources_counts(struct sources *sources)
{
    struct source_counts sum = {0};
    if (sources->file != NULL) {
        offline_counts(sources->file, &sum);
    }
    for (size_t i = 0; i < sources->count; i++) {
        struct source_counts one = {0};
        if (sources->servers[i].prom != NULL) {
            prom_counts(sources->servers[i].prom, &one);
        }
        sum.requests += one.requests;
        sum.served += one.served;
        sum.bytes += one.bytes;
        sum.samples += one.samples;
    }
    return sum;
}

const char *sources_name(const struct sources *sources)
{
    return sources->name;
}
