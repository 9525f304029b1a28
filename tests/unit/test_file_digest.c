#include "base/file_digest.h"

#include "harness.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a million times "a": more than one chunk. */
enum { MANY = 1000000 };

static void check(
    const char *row, const void *content, size_t n, enum vf_digest digest, const char *expected)
{
    struct scratch scratch;
    struct vf_err err = {0};
    char digits[VF_DIGEST_MAX_DIGITS + 1] = "";
    scratch_init(&scratch);
    scratch_write(&scratch, "file", content, n);
    int fd = open(scratch_path(&scratch, "file"), O_RDONLY);
    vf_check(fd >= 0, "%s", row);
    vf_check(lseek(fd, 0, SEEK_END) == (off_t)n, "%s", row);
    int rc = vf_file_digest(fd, "file", digest, digits, &err);
    vf_check(rc == 0, "%s: %s", row, err.msg);
    vf_check(strcmp(digits, expected) == 0, "%s: %s", row, digits);
    close(fd);
    scratch_release(&scratch);
}

/* The examples of FIPS 180-4; git's by `git hash-object`. */
static void test_known_digests(void **state)
{
    static const struct {
        const char *name, *content;
        enum vf_digest digest;
        const char *expected;
    } cases[] = {
        {"SHA-256, empty", "", VF_DIGEST_SHA256,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"SHA-256", "abc", VF_DIGEST_SHA256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"git, empty", "", VF_DIGEST_GIT_BLOB, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
        {"git", "abc", VF_DIGEST_GIT_BLOB, "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++)
        check(cases[i].name, cases[i].content, strlen(cases[i].content), cases[i].digest,
            cases[i].expected);
    char *many = malloc(MANY);
    assert_non_null(many);
    memset(many, 'a', MANY);
    check("a million", many, MANY, VF_DIGEST_SHA256,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    check("a million, git", many, MANY, VF_DIGEST_GIT_BLOB,
        "de1fbf0c2f34f67f01f355f31ed0cf7319643c5e");
    free(many);
}

static void test_unreadable(void **state)
{
    struct vf_err err = {0};
    char digits[VF_DIGEST_MAX_DIGITS + 1] = "untouched";
    (void)state;
    int fd = open(".", O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(vf_file_digest(fd, "a folder", VF_DIGEST_SHA256, digits, &err), VF_ERR_IO);
    assert_non_null(strstr(err.msg, "a folder"));
    assert_string_equal(digits, "untouched");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
