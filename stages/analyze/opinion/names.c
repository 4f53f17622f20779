#include "stages/analyze/opinion/names.h"

#include <stdio.h>
#include <string.h>

#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/sealed.h"

/* So that a name is written as it is, and takes as many bytes as it has. */
static void mask_sealed(char *text)
{
    for (char *at = text + strcspn(text, SEALED_MARKS); *at != '\0'; at += strcspn(at, SEALED_MARKS)) {
        *at = '?';
    }
}

char *evidence_name(const struct subject *subject, char out[EVIDENCE_NAME_MAX])
{
    char namespace[121];
    char kind[81];
    char name[301];
    (void)snprintf(out, EVIDENCE_NAME_MAX, "%s/%s/%s",
                   clean_copy(subject->namespace ? subject->namespace : "default", namespace, sizeof namespace),
                   clean_copy(subject->kind, kind, sizeof kind), clean_copy(subject->name, name, sizeof name));
    mask_sealed(out);
    return out;
}

char *container_name(const struct container *container, char out[CONTAINER_NAME_MAX])
{
    clean_copy(container->name, out, CONTAINER_NAME_MAX);
    mask_sealed(out);
    return out;
}
