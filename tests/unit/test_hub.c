#include "hub/hub.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"
#define REPOSITORY "hub/models--fictional--tiny"

static struct scratch scratch;

static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
    "XDG_CACHE_HOME", "HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < VF_COUNT(variables); i++)
        unsetenv(variables[i]);
    scratch_init(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_release(&scratch);
    return 0;
}

static void write_text(const char *name, const char *text)
{
    scratch_write(&scratch, name, text, strlen(text));
}

/* The least that a snapshot of an encoder holds. */
static void write_model(const char *snapshot)
{
    static const char *const files[] = {"config.json", "tokenizer.json", "model.safetensors"};
    for (size_t i = 0; i < VF_COUNT(files); i++) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", snapshot, files[i]);
        write_text(name, "{}");
    }
}

/* Resolves in the scratch directory's hub/ and compares; the directory's last part is the commit.
 */
static void check_found(
    const char *row, const char *name, const char *revision, const char *directory)
{
    struct vf_err err = {0};
    struct vf_hub_location location = {0};
    char cache[128], expected[256];
    snprintf(cache, sizeof cache, "%s/hub", scratch.path);
    snprintf(expected, sizeof expected, "%s/%s", scratch.path, directory);
    int rc = vf_hub_resolve(name, revision, cache, &location, &err);
    vf_check(rc == 0, "%s: %s", row, err.msg);
    vf_check(strcmp(location.directory, expected) == 0, "%s: %s", row, location.directory);
    vf_check(
        location.commit && strcmp(location.commit, strrchr(directory, '/') + 1) == 0, "%s", row);
    vf_hub_location_release(&location);
    assert_null(location.directory);
    assert_null(location.commit);
}

static void check_refused(const char *row, const char *name, const char *revision, int code,
    const char *in_message, const char *in_hint)
{
    struct vf_err err = {0};
    struct vf_hub_location location = {0};
    char cache[128];
    snprintf(cache, sizeof cache, "%s/hub", scratch.path);
    int rc = vf_hub_resolve(name, revision, cache, &location, &err);
    vf_check(rc == code, "%s: %d: %s", row, rc, err.msg);
    vf_check(strstr(err.msg, in_message), "%s: %s", row, err.msg);
    vf_check(strstr(err.hint, in_hint), "%s: %s", row, err.hint);
    vf_check(!location.directory && !location.commit, "%s: outputs are touched", row);
}

static void test_snapshots(void **state)
{
    (void)state;
    write_text(REPOSITORY "/refs/main", COMMIT);
    write_text(REPOSITORY "/refs/pr/2", OTHER "\n");
    write_model(REPOSITORY "/snapshots/" COMMIT);
    write_model(REPOSITORY "/snapshots/" OTHER);
    write_text(REPOSITORY "/blobs/abc", "{}");
    char link[256];
    snprintf(link, sizeof link, "%s",
        scratch_path(&scratch, REPOSITORY "/snapshots/" OTHER "/config.json"));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("../../blobs/abc", link), 0);
    write_text("hub/models--single/refs/v1.0", COMMIT);
    write_model("hub/models--single/snapshots/" COMMIT);

    check_found("main, plain files", "fictional/tiny", NULL, REPOSITORY "/snapshots/" COMMIT);
    check_found("main by name", "fictional/tiny", "main", REPOSITORY "/snapshots/" COMMIT);
    check_found("nested ref, links", "fictional/tiny", "pr/2", REPOSITORY "/snapshots/" OTHER);
    check_found("commit without ref", "fictional/tiny", OTHER, REPOSITORY "/snapshots/" OTHER);
    check_found("without an org", "single", "v1.0", "hub/models--single/snapshots/" COMMIT);
}

static void test_snapshots_that_fail(void **state)
{
    (void)state;
    write_text(REPOSITORY "/refs/main", COMMIT);
    write_text(REPOSITORY "/refs/gone", OTHER);
    write_text(REPOSITORY "/refs/broken", "../../../etc");
    write_text(REPOSITORY "/refs/short", "0123abc");
    write_text(REPOSITORY "/snapshots/" COMMIT "/model.safetensors", "");
    static const struct {
        const char *name, *model, *revision;
        int code;
        const char *in_message, *in_hint;
    } cases[] = {
        {"no such model", "fictional/absent", NULL, VF_ERR_NOT_FOUND,
            "/hub/models--fictional--absent/refs/main", "vecfill model fetch fictional/absent"},
        {"no such revision", "fictional/tiny", "v9", VF_ERR_NOT_FOUND,
            "/hub/models--fictional--tiny/refs/v9",
            "vecfill model fetch fictional/tiny --revision v9"},
        {"no such commit", "fictional/tiny", OTHER, VF_ERR_NOT_FOUND, "/snapshots/" OTHER,
            "--revision " OTHER},
        {"ref to nothing", "fictional/tiny", "gone", VF_ERR_NOT_FOUND, "/snapshots/" OTHER,
            "fetch"},
        {"ref out of the cache", "fictional/tiny", "broken", VF_ERR_DATA, "/refs/broken", "fetch"},
        {"ref cut short", "fictional/tiny", "short", VF_ERR_DATA, "/refs/short", "fetch"},
        {"partial", "fictional/tiny", NULL, VF_ERR_DATA,
            "/snapshots/" COMMIT ": fictional/tiny has no config.json",
            "vecfill model fetch fictional/tiny"},
        {"revision up", "fictional/tiny", "../main", VF_ERR_USAGE, "../main", ""},
        {"revision absolute", "fictional/tiny", "/main", VF_ERR_USAGE, "/main", ""},
        {"revision with a slash at its end", "fictional/tiny", "pr/", VF_ERR_USAGE, "pr/", ""},
        {"revision empty", "fictional/tiny", "", VF_ERR_USAGE, "revision", ""},
        {"revision with a space", "fictional/tiny", "a b", VF_ERR_USAGE, "a b", ""},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++)
        check_refused(cases[i].name, cases[i].model, cases[i].revision, cases[i].code,
            cases[i].in_message, cases[i].in_hint);
}

static void test_names_that_are_refused(void **state)
{
    static const char *const names[] = {"../evil", "a/..", "a/../b", "/nowhere/model", "a/b/c",
        "a//b", "a/", ".hidden", "a/.hidden", "-a", "a--b", "a b", "a\\b", "a\nb", "a$b",
        "caf\303\251",
        "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0"
        "123456"};
    (void)state;
    write_text("evil/config.json", "{}");
    for (size_t i = 0; i < VF_COUNT(names); i++)
        check_refused(names[i], names[i], NULL, VF_ERR_NOT_FOUND, "ORG/NAME", "config.json");
    check_refused("empty", "", NULL, VF_ERR_USAGE, "empty", "");
}

static void test_directory(void **state)
{
    struct vf_err err = {0};
    struct vf_hub_location location = {0};
    (void)state;
    assert_int_equal(vf_hub_resolve(scratch.path, NULL, NULL, &location, &err), 0);
    assert_string_equal(location.directory, scratch.path);
    assert_null(location.commit);
    vf_hub_location_release(&location);
    check_refused("revision", scratch.path, "main", VF_ERR_USAGE, scratch.path, "revision");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_snapshots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshots_that_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_that_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
