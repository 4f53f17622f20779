/* JSON without the library: whatever is read quickly the library reads too, and the same; what a skim leaves of an object is an object
 * again, with nothing in it that was to go, and a second skim takes nothing more. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/io/json_quick.h"
#include "pipeline/io/json_skim.h"

enum { CAP = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static const struct json_cut only[] = {{.key = "keep"}, {.key = "*", .drop = true}, {.key = NULL}};
static const struct json_cut cut[] = {{.key = "drop", .drop = true}, {.key = "in", .inside = only}, {.key = NULL}};

static json_t *slowly(const char *text, size_t size)
{
    json_error_t where;
    return json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
}

static void check_quick(const char *text, size_t size)
{
    json_t *quick = json_quick(text, size);
    if (quick == NULL) {
        return;
    }
    json_t *slow = slowly(text, size);
    check(slow != NULL && json_equal(quick, slow) == 1);
    json_decref(slow);
    json_decref(quick);
}

static void check_skim(const char *text, size_t size)
{
    struct buf once;
    struct buf twice;
    buf_init(&once, CAP);
    buf_init(&twice, CAP);
    json_t *whole = slowly(text, size);
    bool told = json_skim(text, size, cut, &once);
    if (json_is_object(whole)) {
        check(told);
        json_t *left = slowly(buf_str(&once), once.length);
        check(json_is_object(left));
        check(json_skim(buf_str(&once), once.length, cut, &twice) && twice.length == once.length &&
              memcmp(buf_str(&once), buf_str(&twice), once.length) == 0);
        json_decref(left);
    }
    json_decref(whole);
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_quick((const char *)data, size);
    check_skim((const char *)data, size);
    return 0;
}
