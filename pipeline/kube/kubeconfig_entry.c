#include "pipeline/kube/kubeconfig_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/kube/base64.h"

int kube_entry_error(const struct kube_entry *entry, struct yaml_node *node, struct err *err,
                     const char *format, ...)
{
    char sentence[ERR_MESSAGE_MAX];
    const struct yaml_node *place = node != NULL ? node : entry->node != NULL ? entry->node : entry->place;
    size_t line = 1;
    size_t column = 1;
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (place != NULL) {
        yaml_position(entry->file->stream, place->start, &line, &column);
    }
    return err_set(err, ERR_CONFIG, "%s, line %zu: %s: %s", entry->file->path, line, entry->what, sentence);
}

int kube_entry_text(const struct kube_entry *entry, const char *key, const char **out, struct err *err)
{
    struct yaml_node *value = yaml_get(entry->file->stream, entry->node, key);
    *out = NULL;
    if (yaml_type_of(value) == YAML_TYPE_NULL) {
        return 0;
    }
    if (value->kind != YAML_KIND_SCALAR) {
        return kube_entry_error(entry, value, err, "\"%s\" must be text", key);
    }
    if (memchr(value->text, '\0', value->length) != NULL) {
        return kube_entry_error(entry, value, err, "\"%s\" holds a zero byte", key);
    }
    *out = value->length == 0 ? NULL : arena_strndup(&entry->config->arena, value->text, value->length);
    return 0;
}

int kube_entry_copy(const struct kube_entry *entry, const char *key, char **out, struct err *err)
{
    const char *text;
    if (kube_entry_text(entry, key, &text, err)) {
        return -1;
    }
    *out = xstrdup_null(text);
    return 0;
}

int kube_entry_path(const struct kube_entry *entry, const char *key, char **out, struct err *err)
{
    const char *text;
    if (kube_entry_text(entry, key, &text, err)) {
        return -1;
    }
    if (text != NULL) {
        char *folder = fs_dirname(entry->file->path);
        *out = fs_join(folder, text);
        free(folder);
    }
    return 0;
}

int kube_entry_flag(const struct kube_entry *entry, const char *key, bool *out, struct err *err)
{
    struct yaml_node *value = yaml_get(entry->file->stream, entry->node, key);
    *out = false;
    return yaml_type_of(value) == YAML_TYPE_NULL || yaml_bool(value, out)
               ? 0
               : kube_entry_error(entry, value, err, "\"%s\" must be true or false", key);
}

/* PEM is told by its first line: what is none would be refused later, by a library that cannot say where it
 * stood. */
static int check_pem(const struct kube_entry *entry, const char *key, const char *text, struct err *err)
{
    return strstr(text, "-----BEGIN ") != NULL
               ? 0
               : kube_entry_error(entry, yaml_get(entry->file->stream, entry->node, key), err,
                                  "\"%s\" holds no PEM text", key);
}

static int read_data(const struct kube_entry *entry, const char *key, const char *text, char **out,
                     struct err *err)
{
    struct buf bytes;
    buf_init(&bytes, KUBE_PEM_MAX);
    int failed = base64_decode(text, &bytes) || strlen(buf_str(&bytes)) != bytes.length;
    if (failed) {
        failed = kube_entry_error(entry, yaml_get(entry->file->stream, entry->node, key), err,
                                  "\"%s\" is not the base64 of text", key);
    } else {
        failed = check_pem(entry, key, buf_str(&bytes), err);
    }
    if (failed) {
        buf_wipe(&bytes);
        return -1;
    }
    *out = buf_steal(&bytes);
    return 0;
}

static int read_pem_file(const struct kube_entry *entry, const char *key, char **out, struct err *err)
{
    struct buf bytes;
    char *path = NULL;
    if (kube_entry_path(entry, key, &path, err)) {
        return -1;
    }
    if (path == NULL) {
        return 0;
    }
    buf_init(&bytes, KUBE_PEM_MAX);
    int failed = fs_read(path, &bytes, err);
    if (failed) {
        err_prefix(err, "%s: %s: \"%s\"", entry->file->path, entry->what, key);
    } else {
        failed = check_pem(entry, key, buf_str(&bytes), err);
    }
    free(path);
    if (failed) {
        buf_wipe(&bytes);
        return -1;
    }
    *out = buf_steal(&bytes);
    return 0;
}

int kube_entry_pem(const struct kube_entry *entry, const char *key, char **out, struct err *err)
{
    const char *text;
    char data_key[64];
    snprintf(data_key, sizeof data_key, "%s-data", key);
    if (kube_entry_text(entry, data_key, &text, err)) {
        return -1;
    }
    return text == NULL ? read_pem_file(entry, key, out, err) : read_data(entry, data_key, text, out, err);
}

bool kube_entry_sub(const struct kube_entry *entry, const char *key, struct kube_entry *out)
{
    *out = *entry;
    out->node = yaml_get(entry->file->stream, entry->node, key);
    return yaml_type_of(out->node) != YAML_TYPE_NULL;
}
