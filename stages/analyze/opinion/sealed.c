#include "stages/analyze/opinion/sealed.h"

#include <stdlib.h>
#include <string.h>

/* What stands in a string of canonical text: an escape of two bytes or of six, or one byte. Returns how many it takes. */
static size_t put_part(const char *at, struct buf *out)
{
    if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) {
        (void)buf_printf(out, "\\u%04X", (unsigned)(unsigned char)at[1]);
        return 2;
    }
    if (*at == '\\' || !strchr(SEALED_MARKS, *at)) {
        size_t length = *at == '\\' ? 2 : 1;
        (void)buf_add(out, at, length);
        return length;
    }
    (void)buf_printf(out, "\\u%04X", (unsigned)(unsigned char)*at);
    return 1;
}

/* Canonical text in sealed form. */
static void put_sealed(const char *at, struct buf *out)
{
    bool inside = false;
    while (*at != '\0') {
        if (*at == '"' || !inside) {
            inside = *at == '"' ? !inside : inside;
            (void)buf_add_char(out, *at++);
        } else {
            at += put_part(at, out);
        }
    }
}

void sealed_write(const json_t *value, struct buf *out)
{
    char *text = json_text(value);
    put_sealed(text, out);
    free(text);
}

void sealed_put(const char *text, struct buf *out)
{
    json_t *value = json_string_safe(text);
    sealed_write(value, out);
    json_decref(value);
}
