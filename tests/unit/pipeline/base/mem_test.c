/* Allocation that never returns NULL: sizes, growth, and how the program ends when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/err.h"
#include "pipeline/base/mem.h"

static void test_zeroed_and_never_null(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *block = xcalloc(size);
        assert_non_null(block);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(block[i], 0);
        }
        free(block);
    }
    void *block = xcalloc_array(0, 0);
    assert_non_null(block);
    block = xrealloc_array(block, 0, 8);
    assert_non_null(block);
    free(block);
    free(xmalloc(0));
}

static void test_strings(void **state)
{
    (void)state;
    char *text = xstrndup("abcdef", 3);
    assert_string_equal(text, "abc");
    free(text);
    text = xstrndup("ab", 100);
    assert_string_equal(text, "ab");
    free(text);
    text = xasprintf("%s-%05d", "x", 42);
    assert_string_equal(text, "x-00042");
    free(text);
    assert_null(xstrdup_null(NULL));
    text = xstrdup_null("");
    assert_string_equal(text, "");
    free(text);
}

static void test_grow_keeps_and_doubles(void **state)
{
    (void)state;
    int64_t *items = NULL;
    size_t capacity = 0;
    size_t moves = 0;
    for (size_t i = 0; i < 100000; i++) {
        size_t before = capacity;
        GROW(items, capacity, i + 1);
        moves += capacity != before;
        items[i] = (int64_t)i;
    }
    assert_true(moves < 20);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(items[i], i);
    }
    size_t before = capacity;
    GROW(items, capacity, 1);
    assert_int_equal(capacity, before);
    free(items);
}

/* Runs `body` in a child that may use little memory; returns its exit code. */
static int child_code(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        body();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static volatile size_t huge = SIZE_MAX / 4;

static void overflow_realloc(void)
{
    free(xrealloc_array(NULL, huge, 8));
}

static void overflow_calloc(void)
{
    free(xcalloc_array(huge, 8));
}

static void too_much_malloc(void)
{
    free(xmalloc(SIZE_MAX / 2 + huge));
}

static void too_much_grow(void)
{
    char *items = NULL;
    size_t capacity = 0;
    GROW(items, capacity, SIZE_MAX / 2 + 2);
    free(items);
}

/* Out of memory is exit 75: the conductor tries again. The product of a size never wraps into a small block. */
static void test_no_memory_is_tempfail(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* the sanitizer ends the program itself when an allocation fails */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    skip();
#endif
#endif
    /* valgrind takes the impossible sizes that are asked for here for errors of their own. */
    if (getenv("UNDER_VALGRIND") != NULL) {
        skip();
    }
    assert_int_equal(child_code(overflow_realloc), ERR_TEMPFAIL);
    assert_int_equal(child_code(overflow_calloc), ERR_TEMPFAIL);
    assert_int_equal(child_code(too_much_malloc), ERR_TEMPFAIL);
    assert_int_equal(child_code(too_much_grow), ERR_TEMPFAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_and_never_null),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_grow_keeps_and_doubles),
        cmocka_unit_test(test_no_memory_is_tempfail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
