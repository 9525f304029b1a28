#include "base/file.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static int set_up(void **state)
{
    static struct scratch scratch;
    scratch_init(&scratch);
    scratch_write(&scratch, "five", "12345", 5);
    scratch_write(&scratch, "empty", "", 0);
    scratch_write(&scratch, "folder/inside", "x", 1);
    scratch_write(&scratch, "locked", "secret", 6);
    assert_int_equal(chmod(scratch_path(&scratch, "folder"), 0755), 0);
    assert_int_equal(chmod(scratch_path(&scratch, "locked"), 0), 0);
    assert_int_equal(symlink("five", scratch_path(&scratch, "link")), 0);
    assert_int_equal(symlink("nowhere", scratch_path(&scratch, "dangling")), 0);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    scratch_release(*state);
    return 0;
}

static void errors_name_the_path(void **state)
{
    static const struct {
        const char *name;
        int rc;
    } cases[] = {
        {"nothing-there", VF_ERR_NOT_FOUND},
        {"five/below", VF_ERR_NOT_FOUND},
        {"dangling", VF_ERR_NOT_FOUND},
        {"folder", VF_ERR_DATA},
        {"locked", VF_ERR_PERMISSION},
    };
    /* Root may read everything: look with the eyes of another user. */
    if (geteuid() == 0) {
        const struct scratch *scratch = *state;
        assert_int_equal(chmod(scratch->path, 0711), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const char *path = scratch_path(*state, cases[i].name);
        struct vf_err err = {0};
        struct vf_mapping mapping = {.size = 77};
        int rc = vf_map(path, &mapping, &err);
        vf_check(rc == cases[i].rc && err.code == rc, "%s: vf_map gave %d", cases[i].name, rc);
        vf_check(strstr(err.msg, path), "%s: \"%s\"", cases[i].name, err.msg);
        vf_check(mapping.size == 77, "%s: output touched", cases[i].name);

        struct vf_buf buf = {0};
        err = (struct vf_err){0};
        rc = vf_read_file(path, 100, &buf, &err);
        vf_check(
            rc == cases[i].rc && err.code == rc, "%s: vf_read_file gave %d", cases[i].name, rc);
        vf_check(strstr(err.msg, path), "%s: \"%s\"", cases[i].name, err.msg);
        vf_buf_release(&buf);
    }
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

static void whole_files_are_read(void **state)
{
    static const struct {
        const char *name;
        size_t max_bytes;
        int rc;
        const char *content; /* after "head-" */
    } cases[] = {
        {"five", 5, 0, "12345"},
        {"five", 100, 0, "12345"},
        {"link", 5, 0, "12345"},
        {"five", 4, VF_ERR_DATA, ""},
        {"empty", 0, 0, ""},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_buf buf = {0};
        assert_int_equal(vf_buf_append_string(&buf, "head-", NULL), 0);
        struct vf_err err;
        int rc = vf_read_file(scratch_path(*state, cases[i].name), cases[i].max_bytes, &buf, &err);
        vf_check(rc == cases[i].rc, "%s at most %zu: %d", cases[i].name, cases[i].max_bytes, rc);
        vf_check(memcmp(buf.data, "head-", 5) == 0 && strcmp(buf.data + 5, cases[i].content) == 0,
            "%s at most %zu: \"%s\"", cases[i].name, cases[i].max_bytes, buf.data);
        vf_buf_release(&buf);
    }
    struct vf_buf small = {.limit = 4};
    assert_int_equal(
        vf_read_file(scratch_path(*state, "five"), 100, &small, NULL), VF_ERR_NO_MEMORY);
    vf_buf_release(&small);
}

static void files_are_mapped(void **state)
{
    struct vf_mapping mapping;
    assert_int_equal(vf_map(scratch_path(*state, "five"), &mapping, NULL), 0);
    assert_int_equal(mapping.size, 5);
    assert_memory_equal(mapping.data, "12345", 5);
    vf_unmap(&mapping);
    assert_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    vf_unmap(&mapping);
    vf_unmap(NULL);

    assert_int_equal(vf_map(scratch_path(*state, "empty"), &mapping, NULL), 0);
    assert_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    vf_unmap(&mapping);
}

static void kinds_of_files_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        bool is_file, is_directory;
    } cases[] = {
        {"five", true, false},
        {"link", true, false},
        {"folder", false, true},
        {"dangling", false, false},
        {"nothing-there", false, false},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const char *path = scratch_path(*state, cases[i].name);
        vf_check(vf_is_file(path) == cases[i].is_file, "%s", cases[i].name);
        vf_check(vf_is_directory(path) == cases[i].is_directory, "%s", cases[i].name);
    }
}

static void paths_are_joined(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *joined;
    } cases[] = {
        {"a", "b", "a/b"},
        {"a/", "b", "a/b"},
        {"/", "b", "/b"},
        {"", "b", "b"},
        {"a", "", "a"},
        {"a/b", "c/d", "a/b/c/d"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char *path = vf_path_join(cases[i].a, cases[i].b);
        assert_non_null(path);
        vf_check(strcmp(path, cases[i].joined) == 0, "\"%s\" and \"%s\": \"%s\"", cases[i].a,
            cases[i].b, path);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_the_path),
        cmocka_unit_test(whole_files_are_read),
        cmocka_unit_test(files_are_mapped),
        cmocka_unit_test(kinds_of_files_are_told_apart),
        cmocka_unit_test(paths_are_joined),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
