#include "stages/common/manifest/template.h"

#include <string.h>

#include "pipeline/base/mem.h"

/* What follows "{{" in Helm charts, blanks and dashes left out. */
static const char *const actions[] = {
    ".Values", ".Release", ".Chart", ".Capabilities", ".Files",   ".Template", "$",       "if ",
    "else",    "end",      "range ", "with ",         "include ", "template ", "define ", "toYaml ",
    "tpl ",    "block ",   "/*",     "default ",      "printf ",  "required ", "lookup ", "quote ",
};

static bool is_action(const char *at, const char *end)
{
    while (at < end && (*at == '-' || *at == ' ' || *at == '\t' || *at == '(')) {
        at++;
    }
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        size_t length = strlen(actions[i]);
        if ((size_t)(end - at) >= length && memcmp(at, actions[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* Next "{{" or "{%" in [at, end), NULL when there is none. */
static const char *next_braces(const char *at, const char *end)
{
    while (at + 1 < end && (at = memchr(at, '{', (size_t)(end - at) - 1)) != NULL) {
        if (at[1] == '{' || at[1] == '%') {
            return at;
        }
        at++;
    }
    return NULL;
}

bool template_has_action(const char *bytes, size_t length)
{
    const char *end = bytes + length;
    for (const char *at = next_braces(bytes, end); at != NULL; at = next_braces(at + 2, end)) {
        if (is_action(at + 2, end)) {
            return true;
        }
    }
    return false;
}

/* Follows quotes through a text, a line at a time: a quote opens where a value may begin. */
static char next_quote(char open, const char *bytes, const char *at)
{
    char before = at == bytes ? '\n' : at[-1];
    if (*at == '\n' || (open != 0 && *at == open && !(open == '"' && before == '\\'))) {
        return 0;
    }
    bool opens = open == 0 && (*at == '"' || *at == '\'') && memchr(" \t\n[{(,:=", before, 9) != NULL;
    return opens ? *at : open;
}

bool template_has_open_action(const char *bytes, size_t length)
{
    const char *end = bytes + length;
    char open = 0;
    for (const char *at = bytes; at + 1 < end; at++) {
        open = next_quote(open, bytes, at);
        if (open == 0 && *at == '{' && (at[1] == '{' || at[1] == '%') && is_action(at + 2, end)) {
            return true;
        }
    }
    return false;
}

/* Quotes end with their line: it is enough to begin at the fault's. */
bool template_on_line(const char *bytes, size_t length, size_t offset, bool syntax)
{
    const char *at = bytes + (offset < length ? offset : length);
    while (at > bytes && at[-1] != '\n') {
        at--;
    }
    char open = 0;
    for (const char *end = bytes + length; at + 1 < end && *at != '\n'; at++) {
        open = next_quote(open, bytes, at);
        if (*at == '{' && (at[1] == '{' || at[1] == '%') && !(syntax && open != 0)) {
            return true;
        }
    }
    return false;
}
