#include "stages/diff/origin/advice.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { ADVICE_MAX = 4096, WANTED_MAX = 1500 };

/* "container server: requests.cpu 250m (now 500m), limits.cpu away" */
static void wanted(const struct advice_facts *facts, struct buf *out)
{
    const char *container = NULL;
    for (size_t i = 0; i < facts->wishes->count && out->length < WANTED_MAX; i++) {
        const struct edit_request *wish = &facts->wishes->items[i];
        const struct edit_done *done = &facts->done[i];
        if (!done->changed) {
            continue;
        }
        if (!str_equal(container, wish->container)) {
            buf_printf(out, "%sin container %.100s ", container == NULL ? "" : "; ", wish->container);
            container = wish->container;
        } else {
            buf_add_str(out, ", ");
        }
        buf_printf(out, "%s.%s %s", manifest_section(wish->field), manifest_resource(wish->field),
                   done->to == NULL ? "away" : done->to);
        if (done->from != NULL) {
            buf_printf(out, " (now %s)", done->from);
        }
    }
}

/* Where a person would look first. */
static char *where(const struct advice_facts *facts)
{
    const char *path = facts->folder->path;
    if (facts->folder->tool == RENDER_KUSTOMIZE) {
        return xasprintf("a patch of the kustomization %s", path);
    }
    char *template = folder_template(facts->folder, facts->document);
    const char *subchart = template == NULL ? NULL : strstr(template + strlen(path), "/charts/");
    const char *name = subchart == NULL ? "" : subchart + strlen("/charts/");
    char *text = template == NULL   ? xasprintf("a template of the chart %s", path)
                 : subchart != NULL ? xasprintf("the values of the chart %s below %.*s (the template is %s)",
                                                path, (int)strcspn(name, "/"), name, template)
                                    : xasprintf("the template %s", template);
    free(template);
    return text;
}

static void sentence(const struct advice_facts *facts, const char *place, struct buf *out)
{
    const struct search_result *result = facts->result;
    bool helm = facts->folder->tool == RENDER_HELM;
    if (facts->trouble != NULL) {
        buf_printf(out, "No edit of a plain file could be tried (%.300s): ", facts->trouble);
    } else if (facts->folders != NULL) {
        buf_printf(out, "%s holds these numbers, but %s would come out otherwise with it too: ", facts->file,
                   facts->folders);
    } else if (result != NULL && result->place != NULL) {
        buf_printf(out, "%s in %s gives these numbers, but it also changes %s: ", result->place, result->file,
                   result->others);
    } else if (result != NULL && result->limited) {
        buf_add_str(out, "There are more places that may hold these numbers than could be tried: ");
    } else {
        buf_printf(out, "No %s holds these numbers for this workload alone: ",
                   helm ? "file of values" : "patch or object file");
    }
    bool shared = result != NULL && result->place != NULL && facts->trouble == NULL;
    buf_printf(out, helm && shared ? "give this workload values of its own in %s, and set " : "in %s, set ",
               place);
}

char *advice_text(const struct advice_facts *facts)
{
    struct buf out;
    char *place = where(facts);
    buf_init(&out, ADVICE_MAX);
    sentence(facts, place, &out);
    wanted(facts, &out);
    buf_add_str(&out, ".");
    free(place);
    return buf_steal(&out);
}
