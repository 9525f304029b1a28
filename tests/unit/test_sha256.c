#include "base/sha256.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

/* The examples of FIPS 180-4 that NIST publishes. */
static void known_digests(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        size_t repeat;
        const char *digest;
    } cases[] = {
        {"nothing", "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a million a", "a", 1000000,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        size_t n = strlen(cases[i].text);
        char *data = malloc(n * cases[i].repeat + 1);
        assert_non_null(data);
        for (size_t k = 0; k < cases[i].repeat; k++)
            memcpy(data + k * n, cases[i].text, n);
        uint8_t digest[VF_SHA256_BYTES];
        char hex[2 * VF_SHA256_BYTES + 1];
        assert_int_equal(vf_sha256(data, n * cases[i].repeat, digest, NULL), 0);
        vf_sha256_hex(digest, hex);
        vf_check(strcmp(hex, cases[i].digest) == 0, "%s: %s", cases[i].name, hex);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_digests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
