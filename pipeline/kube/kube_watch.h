#ifndef TARE_KUBE_KUBE_WATCH_H
#define TARE_KUBE_KUBE_WATCH_H

/*
 * The objects of a list as they are now: listed, then watched, resumed where the server ends a watch or a connection breaks, and
 * listed again where it has forgotten that version (410). Between two turns of the loop only the last state of an object counts.
 */

#include "pipeline/kube/kube_call.h"
#include "pipeline/kube/kube_list.h"

struct kube_watch;

struct kube_watcher {
    /* An object as it is now: each one at first and after a gap, and at each change. Borrowed; a reference may be taken. */
    void (*seen)(void *context, json_t *object);
    /* One that is there no more: its last state, or after a gap apiVersion, kind and the beginning of its metadata (name, namespace,
     * uid, labels, ownerReferences). */
    void (*gone)(void *context, json_t *object);
    /* The server refuses for good (401, 403, 404 and other 4xx): nothing will come any more; end the watch. */
    void (*refused)(void *context, struct kube_answer *answer);
    void *context;
};

/* Begins to watch; strings of `query` and what `watcher` holds are copied. Lost connections are tried again for ever, with growing
 * pauses; kube_api_silence tells of them. A credential that cannot be renewed is asked for again for a minute or two. */
int kube_watch_begin(struct kube_api *api, struct http_loop *loop, const struct kube_query *query, const struct kube_watcher *watcher,
                     struct kube_watch **out, struct err *err);

/* Ends it; may not be called by its own `seen` and `gone`. NULL is allowed. */
void kube_watch_end(struct kube_watch *watch);

#endif
