#include "stages/rollback/choice.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

int choice_add(struct choice *choice, const char *name, struct err *err)
{
    const char *first = strchr(name, '/');
    const char *second = first == NULL ? NULL : strchr(first + 1, '/');
    if (second == NULL || first == name || second == first + 1 || second[1] == '\0') {
        err_set(err, ERR_USAGE, "\"%s\" is not NAMESPACE/KIND/NAME", name);
        return err_hint(err, "write it as in --workload shop/Deployment/cart");
    }
    if (choice->names == NULL) {
        choice->names = json_object();
    }
    json_object_set_new(choice->names, name, json_true());
    return 0;
}

void choice_release(struct choice *choice)
{
    json_decref(choice->names);
    choice->names = NULL;
}

static const char *text_of(const json_t *workload, const char *key)
{
    const char *text = json_string_or_null(workload, key);
    return text == NULL ? "" : text;
}

char *choice_name(const json_t *workload)
{
    return xasprintf("%s/%s/%s", text_of(workload, "namespace"), text_of(workload, "kind"),
                     text_of(workload, "name"));
}

static bool is_named(const struct choice *choice, const json_t *workload)
{
    char *name = choice_name(workload);
    bool named = json_object_get(choice->names, name) != NULL;
    free(name);
    return named;
}

bool choice_wants(const struct choice *choice, const struct ledger_change *change)
{
    if (choice->names == NULL) {
        return true;
    }
    json_t *list = json_loads(change->workloads, 0, NULL);
    size_t index = 0;
    const json_t *workload = NULL;
    bool wanted = false;
    json_array_foreach(list, index, workload)
    {
        wanted = wanted || is_named(choice, workload);
    }
    json_decref(list);
    return wanted;
}

/* Takes the workloads of a wanted change off the list of names that are still to be found. */
static int check_change(const struct choice *choice, const struct ledger_change *change, json_t *unseen,
                        struct err *err)
{
    json_t *list = json_loads(change->workloads, 0, NULL);
    size_t index = 0;
    const json_t *workload = NULL;
    int failed = 0;
    json_array_foreach(list, index, workload)
    {
        char *name = choice_name(workload);
        json_object_del(unseen, name);
        if (!failed && json_object_get(choice->names, name) == NULL) {
            err_set(err, ERR_USAGE, "%s was changed for %s too, and a file is put back as a whole",
                    change->object, name);
            failed = err_hint(err, "name it as well: --workload %s", name);
        }
        free(name);
    }
    json_decref(list);
    return failed;
}

int choice_check(const struct choice *choice, const struct ledger_changes *changes, struct err *err)
{
    if (choice->names == NULL) {
        return 0;
    }
    json_t *unseen = json_copy(choice->names);
    int failed = 0;
    for (size_t i = 0; !failed && i < changes->count; i++) {
        if (choice_wants(choice, &changes->items[i])) {
            failed = check_change(choice, &changes->items[i], unseen, err);
        }
    }
    const char *name = NULL;
    const json_t *unused = NULL;
    json_object_foreach(unseen, name, unused)
    {
        failed = failed ? failed : err_set(err, ERR_USAGE, "the run did not change %s", name);
    }
    json_decref(unseen);
    return failed;
}
