/* The signature of receivers of type http; the digest is what `openssl dgst -sha256 -hmac` gives for the same text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/notify/signature.h"

static void test_vector(void **state)
{
    (void)state;
    char out[SIGNATURE_MAX];
    signature_make("secret", 6, 1700000000, "{\"a\":1}", 7, out);
    assert_string_equal(out, "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686");
    char other[SIGNATURE_MAX];
    signature_make("secret", 6, 1700000001, "{\"a\":1}", 7, other);
    assert_string_not_equal(strchr(out, ',') + 1, strchr(other, ',') + 1);
    signature_make("secret2", 7, 1700000000, "{\"a\":1}", 7, other);
    assert_string_not_equal(out, other);
}

static void test_empty(void **state)
{
    (void)state;
    char out[SIGNATURE_MAX];
    assert_int_equal(strlen(signature_make("k", 1, 0, "", 0, out)), strlen("t=0,v1=") + 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vector), cmocka_unit_test(test_empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
