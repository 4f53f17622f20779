/* Arenas: alignment, zeroing, large blocks among small ones, and what a clear keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/rng.h"

static void test_aligned_zeroed_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    rng_seed(7);
    enum { COUNT = 3000 };
    static unsigned char *pieces[COUNT];
    static size_t sizes[COUNT];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] = (size_t)(rng_next() % (i % 100 == 0 ? 40000 : 200));
            pieces[i] = arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], 0);
            }
            memset(pieces[i], (int)(i % 251) + 1, sizes[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_int_equal(pieces[i][k], i % 251 + 1);
            }
        }
        arena_clear(&arena);
        assert_int_equal(arena_used(&arena), 0);
    }
    arena_release(&arena);
}

static void test_texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(arena_strndup(&arena, "abc", 2), "ab");
    assert_string_equal(arena_strndup(&arena, "", 0), "");
    assert_string_equal(arena_printf(&arena, "%d/%s", 7, "x"), "7/x");
    int *numbers = arena_alloc_array(&arena, 1000, sizeof *numbers);
    assert_int_equal(numbers[999], 0);
    assert_true(arena_used(&arena) >= 4000);
    arena_release(&arena);
    assert_int_equal(arena_used(&arena), 0);
    /* Usable again after a release. */
    assert_string_equal(arena_strdup(&arena, "again"), "again");
    arena_release(&arena);
}

/* One great record must not make the arena keep its memory for all the small ones after it. */
static void test_clear_keeps_little(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    memset(arena_alloc(&arena, 8 * 1024 * 1024), 1, 8 * 1024 * 1024);
    arena_clear(&arena);
    for (int i = 0; i < 5000; i++) {
        arena_alloc(&arena, 100);
    }
    arena_alloc(&arena, 4 * 1024 * 1024);
    arena_clear(&arena);
    assert_non_null(arena.head);
    assert_true(malloc_usable_size(arena.head) < 64 * 1024);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_zeroed_apart),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_clear_keeps_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
