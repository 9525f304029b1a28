#include "hub/hub_cache.h"

#include "base/file.h"
#include "harness.h"
#include "unit/scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define BLOB "89abcdef0123456789abcdef0123456789abcdef"
#define REPOSITORY "models--fictional--tiny"

struct fixture {
    struct scratch scratch;
    struct vf_hub_cache cache;
};

static int set_up(void **state)
{
    static struct fixture f;
    struct vf_err err = {0};
    scratch_init(&f.scratch);
    vf_check(
        vf_hub_cache_open("fictional/tiny", f.scratch.path, &f.cache, &err) == 0, "%s", err.msg);
    vf_check(vf_hub_cache_prepare(&f.cache, &err) == 0, "%s", err.msg);
    scratch_write(&f.scratch, REPOSITORY "/blobs/" BLOB, "content", 7);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    vf_hub_cache_release(&f->cache);
    scratch_release(&f->scratch);
    return 0;
}

static void check_content(
    const struct fixture *f, const char *row, const char *name, const char *expected)
{
    struct vf_err err = {0};
    struct vf_buf text = {0};
    int rc = vf_read_file(scratch_path(&f->scratch, name), 100, &text, &err);
    vf_check(rc == 0, "%s: %s", row, err.msg);
    vf_check(strcmp(text.data, expected) == 0, "%s: %s", row, text.data);
    vf_buf_release(&text);
}

static void test_folders(void **state)
{
    const struct fixture *f = *state;
    struct stat st;
    assert_string_equal(f->cache.root, f->scratch.path);
    assert_string_equal(f->cache.folder, REPOSITORY);
    assert_string_equal(f->cache.repository, scratch_path(&f->scratch, REPOSITORY));
    assert_int_equal(stat(scratch_path(&f->scratch, "CACHEDIR.TAG"), &st), 0);
    assert_int_equal(vf_hub_cache_prepare(&f->cache, NULL), 0);
}

static void test_links(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *name, *path, *target; /* NULL: not a symbolic link */
        bool symlinks;
    } cases[] = {
        {"at the top", "config.json", "../../blobs/" BLOB, true},
        {"in a folder", "1_Pooling/config.json", "../../../blobs/" BLOB, true},
        {"in two folders", "a/b/c", "../../../../blobs/" BLOB, true},
        {"no symbolic links", "plain/config.json", NULL, false},
        {"again", "config.json", "../../blobs/" BLOB, true},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        char target[256] = "", name[256] = REPOSITORY "/snapshots/" COMMIT "/";
        strncat(name, cases[i].path, sizeof name - strlen(name) - 1);
        int rc = vf_hub_cache_link(&f->cache, COMMIT, cases[i].path, BLOB, cases[i].symlinks, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        ssize_t n = readlink(scratch_path(&f->scratch, name), target, sizeof target - 1);
        vf_check((n >= 0) == (cases[i].target != NULL), "%s: %s", cases[i].name, target);
        vf_check(strcmp(target, cases[i].target ? cases[i].target : "") == 0, "%s: %s",
            cases[i].name, target);
        check_content(f, cases[i].name, name, "content");
    }
    check_content(f, "the blob", REPOSITORY "/blobs/" BLOB, "content");
}

static void test_dangling_link_is_replaced(void **state)
{
    const struct fixture *f = *state;
    static const char name[] = REPOSITORY "/snapshots/" COMMIT "/config.json";
    struct vf_err err = {0};
    scratch_write(&f->scratch, REPOSITORY "/snapshots/" COMMIT "/other", "", 0);
    assert_int_equal(symlink("../../blobs/gone", scratch_path(&f->scratch, name)), 0);
    int rc = vf_hub_cache_link(&f->cache, COMMIT, "config.json", BLOB, true, &err);
    vf_check(rc == 0, "%s", err.msg);
    check_content(f, "replaced", name, "content");
}

static void test_presence(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *path;
        enum vf_hub_presence expected;
    } cases[] = {{"config.json", VF_HUB_PRESENT}, {"1_Pooling/config.json", VF_HUB_ABSENT},
        {"modules.json", VF_HUB_UNKNOWN}, {"1_Pooling", VF_HUB_UNKNOWN}};
    assert_int_equal(vf_hub_cache_link(&f->cache, COMMIT, "config.json", BLOB, true, NULL), 0);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(
            vf_hub_cache_mark_absent(&f->cache, COMMIT, "1_Pooling/config.json", NULL), 0);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        enum vf_hub_presence presence;
        assert_int_equal(
            vf_hub_cache_look_up(&f->cache, COMMIT, cases[i].path, &presence, NULL), 0);
        vf_check(presence == cases[i].expected, "%s: %d", cases[i].path, (int)presence);
    }
}

static void test_refs(void **state)
{
    const struct fixture *f = *state;
    static const char *const revisions[] = {"main", "v1.0", "refs/pr/2", "main"};
    for (size_t i = 0; i < VF_COUNT(revisions); i++) {
        struct vf_err err = {0};
        char commit[VF_HUB_COMMIT_DIGITS + 1] = "";
        int rc = vf_hub_cache_write_ref(&f->cache, revisions[i], COMMIT, &err);
        vf_check(rc == 0, "%s: %s", revisions[i], err.msg);
        rc = vf_hub_cache_read_ref(&f->cache, revisions[i], commit, &err);
        vf_check(rc == 0, "%s: %s", revisions[i], err.msg);
        vf_check(strcmp(commit, COMMIT) == 0, "%s: %s", revisions[i], commit);
    }
    assert_int_equal(vf_hub_cache_write_ref(&f->cache, COMMIT, COMMIT, NULL), 0);
    assert_false(vf_is_file(scratch_path(&f->scratch, REPOSITORY "/refs/" COMMIT)));
}

static void test_folder_in_the_way(void **state)
{
    const struct fixture *f = *state;
    struct vf_err err = {0};
    scratch_write(&f->scratch, REPOSITORY "/refs", "a file", 6);
    assert_int_not_equal(vf_hub_cache_write_ref(&f->cache, "main", COMMIT, &err), 0);
    assert_non_null(strstr(err.msg, "/refs"));
    assert_non_null(strstr(err.hint, "cache"));
}

static int stop_at_the_third(void *context)
{
    int *calls = context;
    return ++*calls == 3;
}

static int never_stop(void *context)
{
    (void)context;
    return 0;
}

static void test_lock(void **state)
{
    const struct fixture *f = *state;
    struct vf_err err = {0};
    int lock = -1, second = -1, calls = 0;
    assert_int_equal(vf_hub_cache_lock(&f->cache, BLOB, never_stop, NULL, &lock, &err), 0);
    assert_true(lock >= 0);
    int rc = vf_hub_cache_lock(&f->cache, BLOB, stop_at_the_third, &calls, &second, &err);
    assert_int_equal(rc, VF_ERR_INTERRUPTED);
    assert_int_equal(calls, 3);
    assert_int_equal(second, -1);
    vf_hub_cache_unlock(lock);
    assert_int_equal(vf_hub_cache_lock(&f->cache, BLOB, never_stop, NULL, &second, &err), 0);
    vf_hub_cache_unlock(second);
    vf_hub_cache_unlock(-1);
}

/* As another tool takes it: by flock() on the same file. */
static void test_lock_of_another_tool(void **state)
{
    const struct fixture *f = *state;
    int lock = -1, calls = 0;
    scratch_write(&f->scratch, ".locks/" REPOSITORY "/" BLOB ".lock", "", 0);
    int fd = open(scratch_path(&f->scratch, ".locks/" REPOSITORY "/" BLOB ".lock"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(vf_hub_cache_lock(&f->cache, BLOB, stop_at_the_third, &calls, &lock, NULL),
        VF_ERR_INTERRUPTED);
    close(fd);
    assert_int_equal(vf_hub_cache_lock(&f->cache, BLOB, never_stop, NULL, &lock, NULL), 0);
    vf_hub_cache_unlock(lock);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_folders),
        ROW(test_links),
        ROW(test_dangling_link_is_replaced),
        ROW(test_presence),
        ROW(test_refs),
        ROW(test_folder_in_the_way),
        ROW(test_lock),
        ROW(test_lock_of_another_tool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
