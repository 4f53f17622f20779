/* Quantities: what is accepted is not negative, is read again from what tare writes for it, and CPU and
 * memory agree on what is a quantity at all. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/quantity.h"
#include "stages/common/edit/edit_style.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* The value comes back from every text that edits could write for it. */
static void check_texts(const char *old, size_t length, bool cpu, int64_t value)
{
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    const char *text = edit_quantity_text(&arena, old, length, cpu, value);
    int64_t back = -1;
    check((cpu ? quantity_cpu : quantity_memory)(text, strlen(text), &back, &err) == 0 && back == value);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    int64_t cpu = -1;
    int64_t memory = -1;
    struct err err = {0};
    bool is_cpu = quantity_cpu(text, size, &cpu, &err) == 0;
    bool is_memory = quantity_memory(text, size, &memory, &err) == 0;
    if (is_cpu) {
        check(cpu >= 0 && is_memory && memory <= cpu);
        check_texts(text, size, true, cpu);
    }
    if (is_memory) {
        check(memory >= 0);
        check_texts(text, size, false, memory);
        check_texts(text, size, false, memory / 3);
        check(!is_cpu || cpu <= (memory > INT64_MAX / 1000 ? INT64_MAX : memory * 1000));
    }
    return 0;
}
