#include "stages/collect/offline/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "stages/collect/offline/archive.h"
#include "stages/collect/offline/saved.h"

struct offline {
    struct source source; /* first, so that it is the same address */
    struct archive *archive;
    int64_t bytes;
    int64_t served;
    pthread_mutex_t lock; /* of `served` */
};

static struct offline *self(struct source *source)
{
    return (struct offline *)(void *)source;
}

static const struct offline *self_const(const struct source *source)
{
    return (const struct offline *)(const void *)source;
}

static void count_served(struct offline *offline)
{
    pthread_mutex_lock(&offline->lock);
    offline->served++;
    pthread_mutex_unlock(&offline->lock);
}

static int discover(struct source *source, const char *name, const struct window *window, struct namespace **out, enum served *served,
                    struct err *err)
{
    const struct archive *archive = self(source)->archive;
    struct archive_reader reader = {0};
    struct namespace *namespace = namespace_new(name);
    size_t series;
    size_t end = archive_find(archive, name, NULL, &series);
    int failed = 0;
    for (; series < end && !failed; series++) {
        struct labels labels;
        if (archive_tells(archive, series, window->start * 1000, window->end * 1000)) {
            failed = archive_labels(archive, series, &reader, &labels, err) || namespace_take(namespace, &labels, err);
        }
    }
    archive_reader_release(&reader);
    *served = failed ? SERVED_REFUSED : SERVED;
    if (failed) {
        namespace_free(namespace);
        return -1;
    }
    namespace_settle(namespace);
    count_served(self(source));
    *out = namespace;
    return 0;
}

/* What is known of one pod. */
static int read_pod(const struct archive *archive, const struct question *question, const char *pod, struct archive_reader *reader,
                    struct store *store, struct err *err)
{
    int64_t from = (question->window->start - LOOKBACK) * 1000;
    int64_t to = question->window->end * 1000;
    size_t series;
    size_t end = archive_find(archive, question->namespace->name, pod, &series);
    for (; series < end; series++) {
        struct labels labels;
        if (!archive_measures(archive, series, from, to)) {
            continue;
        }
        if (archive_labels(archive, series, reader, &labels, err)) {
            return -1;
        }
        if (store_series(store, &labels, METRIC_COUNT, SERIES_RAW) && archive_chunks(archive, series, from, to, reader, store, err)) {
            return -1;
        }
    }
    return 0;
}

static int read_question(struct source *source, const struct question *question, struct store *store, enum served *served,
                         struct err *err)
{
    struct archive_reader reader = {0};
    int failed = 0;
    for (size_t i = 0; i < question->pod_count && !failed; i++) {
        const char *pod = question->namespace->pods[question->pods[i]].name;
        failed = read_pod(self(source)->archive, question, pod, &reader, store, err);
    }
    archive_reader_release(&reader);
    *served = !failed ? SERVED : store->full ? SERVED_TOO_MUCH : SERVED_REFUSED;
    if (!failed) {
        count_served(self(source));
    }
    return failed ? -1 : 0;
}

static void offline_free(struct source *source)
{
    struct offline *offline = self(source);
    archive_free(offline->archive);
    pthread_mutex_destroy(&offline->lock);
    free(offline);
}

/* Opens a regular file; others cannot be looked at from both ends. */
static int open_file(const char *path, int *fd, int64_t *size, struct err *err)
{
    struct stat status;
    if (strcmp(path, "-") == 0) {
        return err_set(err, ERR_USAGE, "--offline reads a file; standard input is the artifact");
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) {
        return err_errno(err, ERR_NOINPUT, errno, "%s", path);
    }
    if (fstat(*fd, &status) || !S_ISREG(status.st_mode)) {
        close(*fd);
        return err_set(err, ERR_NOINPUT, "%s is no regular file", path);
    }
    *size = (int64_t)status.st_size;
    return 0;
}

static int fill(struct offline *offline, const char *path, struct err *err)
{
    int fd = -1;
    if (open_file(path, &fd, &offline->bytes, err)) {
        return -1;
    }
    int failed = archive_new(&offline->archive, err) || saved_read(fd, offline->bytes, path, offline->archive, err) ||
                 archive_settle(offline->archive, err);
    close(fd);
    if (!failed) {
        log_info("%s: %" PRId64 " samples of %zu series", path, archive_samples(offline->archive), archive_count(offline->archive));
    }
    if (!failed && archive_samples(offline->archive) == 0) {
        log_warn("%s holds no samples of containers: no series like container_cpu_usage_seconds_total with the label namespace", path);
    }
    return failed;
}

int offline_new(const char *path, struct source **out, struct err *err)
{
    struct offline *offline = xcalloc(sizeof *offline);
    offline->source = (struct source){.name = "file", .discover = discover, .read = read_question, .free = offline_free};
    pthread_mutex_init(&offline->lock, NULL);
    if (fill(offline, path, err)) {
        offline_free(&offline->source);
        return -1;
    }
    *out = &offline->source;
    return 0;
}

int64_t offline_end(const struct source *source)
{
    int64_t latest = archive_latest(self_const(source)->archive);
    return (latest + 59999) / 60000 * 60;
}

void offline_counts(struct source *source, struct source_counts *out)
{
    struct offline *offline = self(source);
    pthread_mutex_lock(&offline->lock);
    *out = (struct source_counts){.served = offline->served, .bytes = offline->bytes, .samples = archive_samples(offline->archive)};
    pthread_mutex_unlock(&offline->lock);
}
