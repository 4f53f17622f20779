/* SHA-256: published vectors (FIPS 180-2), in one piece and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/hash.h"

static const char million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char digest[DIGEST_HEX];
        assert_string_equal(hash_bytes(cases[i].text, strlen(cases[i].text), digest), cases[i].digest);
    }
}

static void test_in_pieces(void **state)
{
    (void)state;
    char piece[1000];
    char digest[DIGEST_HEX];
    memset(piece, 'a', sizeof piece);
    struct hash *hash = hash_new();
    char early[DIGEST_HEX];
    for (int i = 0; i < 1000; i++) {
        if (i == 500) {
            /* Looking at a digest does not end it. */
            hash_hex(hash, early);
        }
        hash_add(hash, piece, sizeof piece);
    }
    hash_add(hash, piece, 0);
    assert_string_equal(hash_hex(hash, digest), million);
    assert_string_not_equal(early, million);
    hash_free(hash);
    hash_free(NULL);
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block). */
static void test_hmac(void **state)
{
    (void)state;
    char key[131];
    char digest[DIGEST_HEX];
    memset(key, 0x0b, 20);
    assert_string_equal(hash_hmac(key, 20, "Hi There", 8, digest), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_string_equal(hash_hmac("Jefe", 4, "what do ya want for nothing?", 28, digest),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    assert_string_equal(hash_hmac(key, sizeof key, text, strlen(text), digest),
                        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_in_pieces), cmocka_unit_test(test_hmac)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
