#include "stages/parse/cluster_object.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/parse/drift.h"

/* Where kubectl keeps what was applied last. */
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static void copy_member(const json_t *from, const char *key, json_t *to)
{
    json_t *value = json_object_get(from, key);
    if (value != NULL) {
        json_object_set(to, key, value);
    }
}

static void keep_owners(const json_t *object, json_t *metadata)
{
    json_t *owners = drift_owners(object);
    char *text = json_text(owners);
    json_object_set_new(metadata, "managedFields", json_string(text));
    free(text);
    json_decref(owners);
}

/* New object without what says nothing here. */
static json_t *reduced(const json_t *object, bool owners)
{
    static const char *const kept[] = {"name", "namespace",       "labels",
                                       "uid",  "resourceVersion", "ownerReferences"};
    const json_t *from = json_object_get(object, "metadata");
    const json_t *annotations = json_object_get(from, "annotations");
    json_t *metadata = json_object();
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        copy_member(from, kept[i], metadata);
    }
    if (json_is_object(annotations)) {
        json_t *copy = json_copy((json_t *)(uintptr_t)annotations);
        json_object_del(copy, LAST_APPLIED);
        json_object_set_new(metadata, "annotations", copy);
    }
    if (owners) {
        keep_owners(object, metadata);
    }
    copy_member(object, "apiVersion", out);
    copy_member(object, "kind", out);
    json_object_set_new(out, "metadata", metadata);
    copy_member(object, "spec", out);
    return out;
}

/* Length of a character that JSON may hold as it is and YAML may not, or would fold into a blank as a line
 * end: DEL, C1, the line ends of Unicode, the marks of byte order. 0 for all others. */
static size_t foreign(const unsigned char *at, size_t left, unsigned *code)
{
    size_t length = *at == 0x7f ? 1 : left >= 2 && at[0] == 0xc2 && at[1] < 0xa0 ? 2 : 0;
    if (length > 0) {
        *code = at[length - 1];
        return length;
    }
    if (left < 3 || (at[0] != 0xe2 && at[0] != 0xef)) {
        return 0;
    }
    *code = (unsigned)(at[0] & 0x0f) << 12 | (unsigned)(at[1] & 0x3f) << 6 | (at[2] & 0x3fU);
    return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
}

int cluster_object_text(const json_t *object, bool owners, struct buf *out)
{
    json_t *kept = reduced(object, owners);
    char *text = json_text(kept);
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    int failed = 0;
    while (left > 0 && !failed) {
        unsigned code = 0;
        size_t length = foreign(at, left, &code);
        failed = length > 0 ? buf_printf(out, "\\u%04x", code) : buf_add_char(out, (char)*at);
        length = length == 0 ? 1 : length;
        at += length;
        left -= length;
    }
    free(text);
    json_decref(kept);
    return failed;
}
