#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "pipeline/run/artifact.h"

/* What tare-parse found of all manifests. */
struct drifts {
    json_t *drift;    /* one entry a difference */
    json_t *not_live; /* workloads that the cluster does not have */
    size_t workloads;
    size_t compared;
    size_t drifted;
};

static struct words parse_words(const struct session *session)
{
    struct words words = {0};
    words_add(&words, xstrdup("tare-parse"));
    if (session->config_file != NULL) {
        words_add(&words, xasprintf("--config=%s", session->config_file));
    }
    words_add_all(&words, options_forward(session->options, FOR_PARSE, false));
    words_add_all(&words, options_forward(session->options, FOR_PARSE, true));
    words_add(&words, xstrdup("--target=cluster"));
    words_add(&words, xstrdup("--"));
    for (size_t i = 0; i < options_operands(session->options); i++) {
        words_add(&words, xstrdup(options_operand(session->options, i)));
    }
    return words;
}

/* Runs tare-parse over manifests and cluster; *out receives a spool with its artifact. Its exit code, which it has told the reason of
 * itself, becomes the command's. */
static int parse(struct session *session, int *out, struct err *err)
{
    if (fs_spool(out, err)) {
        return -1;
    }
    struct words words = parse_words(session);
    int failed = session_run_beside(session, &words, -1, *out, err);
    lseek(*out, 0, SEEK_SET);
    return failed;
}

static void copy(const json_t *from, const char *key, json_t *to)
{
    json_t *value = json_object_get(from, key);
    json_object_set_new(to, key, value == NULL ? json_null() : json_incref(value));
}

/* New object: who a workload is, and where its manifest stands. */
static json_t *who(const json_t *workload, const char *fallback)
{
    json_t *out = json_object();
    const char *namespace = json_string_or_null(workload, "namespace");
    json_object_set_new(out, "namespace", json_string_safe(namespace == NULL ? fallback : namespace));
    copy(workload, "kind", out);
    copy(workload, "name", out);
    copy(json_object_get(workload, "source"), "file", out);
    copy(json_object_get(workload, "source"), "line", out);
    return out;
}

static void take(struct drifts *drifts, const json_t *workload, const char *fallback)
{
    const json_t *live = json_object_get(workload, "live");
    const json_t *list = json_object_get(live, "drift");
    size_t index;
    const json_t *entry;
    drifts->workloads++;
    if (!json_is_object(live)) {
        json_array_append_new(drifts->not_live, who(workload, fallback));
        return;
    }
    drifts->compared++;
    drifts->drifted += json_array_size(list) > 0 ? 1 : 0;
    json_array_foreach(list, index, entry)
    {
        json_t *out = who(workload, fallback);
        json_object_update(out, (json_t *)(uintptr_t)entry);
        json_array_append_new(drifts->drift, out);
    }
}

static int read_all(int fd, const char *fallback, struct drifts *drifts, struct err *err)
{
    struct artifact_reader *reader = NULL;
    if (artifact_reader_new(fd, "what tare-parse printed", ARTIFACT_BIT(ARTIFACT_INVENTORY), &reader, err)) {
        return -1;
    }
    int got;
    json_t *record = NULL;
    while ((got = artifact_read(reader, &record, err)) > 0) {
        const json_t *workload = json_object_get(record, "workload");
        if (workload != NULL) {
            take(drifts, workload, fallback);
        }
        json_decref(record);
    }
    artifact_reader_free(reader);
    return got;
}

/* An amount as people write it. */
static const char *shown(const char *field, const json_t *value, char out[QUANTITY_MAX])
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_boolean(value)) {
        return json_is_true(value) ? "there" : "not there";
    }
    if (!json_is_integer(value)) {
        return "-";
    }
    if (str_ends(field, ".cpu_millicores")) {
        return quantity_cpu_format(json_integer_value(value), out);
    }
    if (str_ends(field, ".memory_bytes")) {
        return quantity_memory_format(json_integer_value(value), out);
    }
    snprintf(out, QUANTITY_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return out;
}

/* New text: "requests.cpu of app". */
static char *place(const json_t *entry)
{
    const char *field = json_string_or_null(entry, "field");
    const char *container = json_string_or_null(entry, "container");
    char *name = xstrdup(field == NULL ? "-" : field);
    static const char *const units[] = {"_millicores", "_bytes"};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_ends(name, units[i])) {
            name[strlen(name) - strlen(units[i])] = '\0';
        }
    }
    char *out = container == NULL ? xstrdup(name) : xasprintf("%s of %s", name, container);
    free(name);
    return out;
}

/* New text: who holds a field, and since when. */
static char *holder(const json_t *entry)
{
    const json_t *owners = json_object_get(entry, "owners");
    struct buf text;
    size_t index;
    const json_t *owner;
    buf_init(&text, 4096);
    json_array_foreach(owners, index, owner)
    {
        const char *manager = json_string_or_null(owner, "manager");
        const char *operation = json_string_or_null(owner, "operation");
        const char *time = json_string_or_null(owner, "time");
        const char *subresource = json_string_or_null(owner, "subresource");
        buf_printf(&text, "%s%s (%s", index == 0 ? "" : "; ", manager == NULL ? "?" : manager, operation == NULL ? "?" : operation);
        if (subresource != NULL && subresource[0] != '\0') {
            buf_printf(&text, " of %s", subresource);
        }
        buf_printf(&text, "%s%s)", time == NULL ? "" : ", ", time == NULL ? "" : time);
    }
    return text.length == 0 ? NULL : buf_steal(&text);
}

static void print_table(const struct drifts *drifts)
{
    static const char *const heads[] = {"WORKLOAD", "FIELD", "MANIFEST", "LIVE", "HELD BY", "FILE"};
    size_t index;
    const json_t *entry;
    if (json_array_size(drifts->drift) == 0) {
        return;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    json_array_foreach(drifts->drift, index, entry)
    {
        char amount[2][QUANTITY_MAX];
        const char *field = json_string_or_null(entry, "field");
        char *where = place(entry);
        char *by = holder(entry);
        table_cellf(table, "%s/%s/%s", json_string_or_null(entry, "namespace"), json_string_or_null(entry, "kind"),
                    json_string_or_null(entry, "name"));
        table_cell(table, where);
        table_cell(table, shown(field == NULL ? "" : field, json_object_get(entry, "manifest"), amount[0]));
        table_cell(table, shown(field == NULL ? "" : field, json_object_get(entry, "live"), amount[1]));
        table_cell(table, by);
        table_cellf(table, "%s:%" PRId64, json_string_or_null(entry, "file"), json_int_or(entry, "line", 0));
        free(by);
        free(where);
    }
    table_print(table, stdout);
    table_free(table);
}

static void print_json(const struct drifts *drifts)
{
    json_t *out = json_pack("{s:I, s:I, s:I, s:O, s:O}", "workloads", (json_int_t)drifts->workloads, "compared",
                            (json_int_t)drifts->compared, "drifted", (json_int_t)drifts->drifted, "drift", drifts->drift,
                            "not_live", drifts->not_live);
    char *text = json_text(out);
    puts(text);
    free(text);
    json_decref(out);
}

/* What it came to: 79 where something differs. */
static void conclude(struct session *session, const struct drifts *drifts)
{
    if (json_array_size(drifts->not_live) > 0) {
        log_warn("%zu of %zu workloads of the manifests are not in the cluster", json_array_size(drifts->not_live), drifts->workloads);
    }
    if (drifts->drifted == 0) {
        log_info("%zu workloads are in the cluster as their manifests say", drifts->compared);
        return;
    }
    err_set(&session->verdict, ERR_STALE, "%zu of %zu workloads are not in the cluster as their manifests say", drifts->drifted,
            drifts->compared);
    err_hint(&session->verdict, "take over what is live, or let your delivery tool put it back; managers are named as the API server "
                                "keeps them");
}

int command_drift(struct session *session, struct err *err)
{
    bool json = false;
    int fd = -1;
    struct drifts drifts = {0};
    if (session_json(session, &json, err)) {
        return -1;
    }
    if (options_operands(session->options) == 0 && json_array_size(config_value(session->config, "manifests")) == 0) {
        err_set(err, ERR_USAGE, "no manifests are named that the cluster could be compared with");
        return err_hint(err, "tare drift deploy/, or manifests: [deploy/] in tare.yaml");
    }
    if (parse(session, &fd, err)) {
        return -1;
    }
    drifts.drift = json_array();
    drifts.not_live = json_array();
    const char *fallback = options_string(session->options, OPT_NAMESPACE);
    int failed = session->verdict.class == ERR_NONE ? read_all(fd, fallback == NULL ? "default" : fallback, &drifts, err) : 0;
    if (!failed && session->verdict.class == ERR_NONE) {
        if (json) {
            print_json(&drifts);
        } else {
            print_table(&drifts);
        }
        conclude(session, &drifts);
    }
    json_decref(drifts.drift);
    json_decref(drifts.not_live);
    close(fd);
    return failed ? -1 : 0;
}
