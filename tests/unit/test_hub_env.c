#include "hub/hub_env.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
    "XDG_CACHE_HOME", "HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_ENDPOINT",
    "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_DISABLE_SYMLINKS"};

enum { MAX_SET = 4 };

struct setting {
    const char *key, *value;
};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < VF_COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

/* Sets what the row says and nothing else. */
static void set(const struct setting settings[MAX_SET])
{
    set_up(NULL);
    for (size_t i = 0; i < MAX_SET && settings[i].key; i++)
        setenv(settings[i].key, settings[i].value, 1);
}

static void test_cache_root(void **state)
{
    static const struct {
        const char *name, *cache_dir;
        struct setting settings[MAX_SET];
        const char *expected;
    } cases[] = {
        {"HOME", NULL, {{"HOME", "/home/a"}}, "/home/a/.cache/huggingface/hub"},
        {"XDG", NULL, {{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}, "/x/huggingface/hub"},
        {"HF_HOME", NULL, {{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/f"}}, "/f/hub"},
        {"legacy", NULL, {{"HF_HOME", "/f"}, {"HUGGINGFACE_HUB_CACHE", "/l"}}, "/l"},
        {"HF_HUB_CACHE", NULL, {{"HUGGINGFACE_HUB_CACHE", "/l"}, {"HF_HUB_CACHE", "/c"}}, "/c"},
        {"argument", "/a", {{"HF_HUB_CACHE", "/c"}}, "/a"},
        {"empty is unset", "", {{"HF_HUB_CACHE", ""}, {"HOME", "/h"}}, "/h/.cache/huggingface/hub"},
        {"tilde", "~/m", {{"HOME", "/h"}}, "/h/m"},
        {"tilde alone", "~", {{"HOME", "/h"}}, "/h"},
        {"tilde inside", "/a/~", {{"HOME", "/h"}}, "/a/~"},
        {"variable", NULL, {{"HF_HOME", "$HOME/f"}, {"HOME", "/h"}}, "/h/f/hub"},
        {"braces", "/a/${HOME}x/$HOME", {{"HOME", "h"}}, "/a/hx/h"},
        {"unset variable", "/a/$VF_UNSET/${VF_UNSET}", {{NULL, NULL}}, "/a/$VF_UNSET/${VF_UNSET}"},
        {"no variable", "/a/$/${HOME", {{"HOME", "h"}}, "/a/$/${HOME"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        char *root = NULL;
        set(cases[i].settings);
        int rc = vf_hub_cache_root(cases[i].cache_dir, &root, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        vf_check(strcmp(root, cases[i].expected) == 0, "%s: %s", cases[i].name, root);
        free(root);
    }
}

static void test_cache_root_without_home(void **state)
{
    struct vf_err err = {0};
    char *root = NULL;
    (void)state;
    assert_int_equal(vf_hub_cache_root(NULL, &root, &err), VF_ERR_CONFIG);
    assert_null(root);
    assert_non_null(strstr(err.msg, "HOME"));
    assert_non_null(strstr(err.hint, "HF_HUB_CACHE"));
}

static void test_endpoint(void **state)
{
    static const struct {
        const char *name, *value, *expected; /* NULL: refused */
    } cases[] = {
        {"unset", "", "https://huggingface.co"},
        {"slash at the end", "https://hub.example/", "https://hub.example"},
        {"slashes at the end", "http://127.0.0.1:80/mirror//", "http://127.0.0.1:80/mirror"},
        {"upper case", "HTTPS://hub.example", "HTTPS://hub.example"},
        {"no scheme", "huggingface.co", NULL},
        {"another scheme", "ftp://hub.example", NULL},
        {"a path", "/etc/passwd", NULL},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_hub_env env = {0};
        setenv("HF_ENDPOINT", cases[i].value, 1);
        int rc = vf_hub_env_read(&env, &err);
        vf_check(rc == (cases[i].expected ? 0 : VF_ERR_CONFIG), "%s: %s", cases[i].name, err.msg);
        if (cases[i].expected)
            vf_check(strcmp(env.endpoint, cases[i].expected) == 0, "%s: %s", cases[i].name,
                env.endpoint);
        else
            vf_check(!env.endpoint && strstr(err.msg, "HF_ENDPOINT"), "%s", cases[i].name);
        vf_hub_env_release(&env);
    }
}

static void test_timeouts(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned expected; /* 0: refused */
    } cases[] = {{"unset", "", 10}, {"zero", "0", 10}, {"one", "1", 1}, {"a day", "86400", 86400},
        {"over a day", "86401", 0}, {"negative", "-1", 0}, {"a word", "soon", 0},
        {"a fraction", "1.5", 0}, {"a space", " 5", 0}, {"huge", "99999999999999999999", 0}};
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_hub_env env = {0};
        setenv("HF_HUB_ETAG_TIMEOUT", cases[i].value, 1);
        int rc = vf_hub_env_read(&env, &err);
        vf_check(rc == (cases[i].expected ? 0 : VF_ERR_CONFIG), "%s: %s", cases[i].name, err.msg);
        vf_check(
            env.etag_timeout_s == cases[i].expected, "%s: %u", cases[i].name, env.etag_timeout_s);
        if (rc == 0)
            vf_check(env.download_timeout_s == 10, "%s: %u", cases[i].name, env.download_timeout_s);
        vf_hub_env_release(&env);
    }
}

static void test_token(void **state)
{
    static const struct {
        const char *name;
        struct setting settings[MAX_SET];
        int rc;
        const char *expected; /* NULL: none */
    } cases[] = {
        {"no home", {{NULL, NULL}}, 0, NULL},
        {"no file", {{"HF_HOME", "/nowhere"}}, 0, NULL},
        {"the variable", {{"HF_TOKEN", "hf_a"}, {"HUGGING_FACE_HUB_TOKEN", "hf_b"}}, 0, "hf_a"},
        {"its older name", {{"HUGGING_FACE_HUB_TOKEN", "hf_b"}}, 0, "hf_b"},
        {"spaces around it", {{"HF_TOKEN", " hf_a \r\n"}}, 0, "hf_a"},
        {"nothing but spaces", {{"HF_TOKEN", " \n"}}, 0, NULL},
        {"another header", {{"HF_TOKEN", "hf_a\r\nX-Evil: 1"}}, VF_ERR_CONFIG, NULL},
        {"not ASCII", {{"HF_TOKEN", "hf_\303\251"}}, VF_ERR_CONFIG, NULL},
        {"not wanted", {{"HF_TOKEN", "hf_a"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "true"}}, 0, NULL},
        {"wanted", {{"HF_TOKEN", "hf_a"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "0"}}, 0, "hf_a"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_hub_env env = {0};
        set(cases[i].settings);
        int rc = vf_hub_env_read(&env, &err);
        vf_check(rc == cases[i].rc, "%s: %d %s", cases[i].name, rc, err.msg);
        vf_check(!strstr(err.msg, "hf_") && !strstr(err.hint, "hf_"), "%s: shown", cases[i].name);
        vf_check(!env.token == !cases[i].expected, "%s", cases[i].name);
        if (env.token)
            vf_check(strcmp(env.token, cases[i].expected) == 0, "%s: %s", cases[i].name, env.token);
        vf_hub_env_release(&env);
    }
}

static void test_token_file(void **state)
{
    static const struct {
        const char *name, *content, *expected;
    } cases[] = {{"a line", "hf_a\n", "hf_a"}, {"no line end", "hf_a", "hf_a"},
        {"first line", "hf_a\r\nhf_b\n", "hf_a"}, {"spaces", "  hf_a\t\n", "hf_a"},
        {"empty", "", NULL}, {"an empty line", "\nhf_a\n", NULL}};
    struct scratch scratch;
    (void)state;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_hub_env env = {0};
        scratch_write(&scratch, "home/token", cases[i].content, strlen(cases[i].content));
        setenv("HF_HOME", scratch_path(&scratch, "home"), 1);
        vf_check(vf_hub_env_read(&env, &err) == 0, "%s: %s", cases[i].name, err.msg);
        const char *token = env.token ? env.token : "";
        vf_check(strcmp(token, cases[i].expected ? cases[i].expected : "") == 0, "%s: %s",
            cases[i].name, token);
        vf_hub_env_release(&env);
    }
    scratch_release(&scratch);
}

static void test_offline(void **state)
{
    static const struct {
        const char *name;
        struct setting settings[MAX_SET];
        const char *expected;
    } cases[] = {
        {"unset", {{NULL, NULL}}, NULL},
        {"1", {{"HF_HUB_OFFLINE", "1"}}, "HF_HUB_OFFLINE"},
        {"yes", {{"HF_HUB_OFFLINE", "Yes"}}, "HF_HUB_OFFLINE"},
        {"another word", {{"HF_HUB_OFFLINE", "y"}}, NULL},
        {"empty", {{"HF_HUB_OFFLINE", ""}}, NULL},
        {"the other", {{"TRANSFORMERS_OFFLINE", "on"}}, "TRANSFORMERS_OFFLINE"},
        {"the first decides", {{"HF_HUB_OFFLINE", "0"}, {"TRANSFORMERS_OFFLINE", "1"}}, NULL},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        set(cases[i].settings);
        const char *offline = vf_hub_env_offline();
        vf_check(!offline == !cases[i].expected, "%s", cases[i].name);
        if (offline)
            vf_check(strcmp(offline, cases[i].expected) == 0, "%s: %s", cases[i].name, offline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cache_root, set_up),
        cmocka_unit_test_setup(test_cache_root_without_home, set_up),
        cmocka_unit_test_setup(test_endpoint, set_up),
        cmocka_unit_test_setup(test_timeouts, set_up),
        cmocka_unit_test_setup(test_token, set_up),
        cmocka_unit_test_setup(test_token_file, set_up),
        cmocka_unit_test_setup(test_offline, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
