#include "harness.h"

#include "../unit/scratch.h"
#include "cli/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {"VECFILL_DATABASE_URL", "HISTORICAL_DB_HOST",
    "HISTORICAL_DB_PORT", "HISTORICAL_DB_NAME", "HISTORICAL_DB_USER", "HISTORICAL_DB_PASSWORD",
    "PGHOST", "PGDATABASE", "PGSERVICE", "PGUSER", "PGPASSWORD", "KEY"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < VF_COUNT(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

static int load(const char *text, struct vf_config *config, struct vf_err *err)
{
    struct scratch scratch;
    scratch_init(&scratch);
    scratch_write(&scratch, ".env", text, strlen(text));
    int rc = vf_config_load(scratch_path(&scratch, ".env"), config, err);
    scratch_release(&scratch);
    return rc;
}

static void test_file(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value;
    } rows[] = {
        {"KEY=value", "value"},
        {"KEY=value\n", "value"},
        {"KEY = value \r\n", "value"},
        {"  KEY=a b c  # remark\n", "a b c"},
        {"KEY=a#b", "a#b"},
        {"export KEY=value", "value"},
        {"export\tKEY=value", "value"},
        {"# KEY=other\n\nKEY=value\n", "value"},
        {"KEY='a # \"b\" \\n'", "a # \"b\" \\n"},
        {"KEY=\"a\\n\\t\\\"\\\\b\\x\" # remark", "a\n\t\"\\b\\x"},
        {"KEY='two\nlines'\nOTHER=1", "two\nlines"},
        {"KEY=one\nKEY=two", "two"},
        {"KEY=$HOME", "$HOME"},
        {"KEY=a=b", "a=b"},
        {"KEY=", NULL},
        {"KEY=''", NULL},
        {"KEY=#x", NULL},
        {"OTHER=1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct vf_config config;
        struct vf_err err = {0};
        vf_check(load(rows[i].text, &config, &err) == 0, "%s: %s", rows[i].text, err.msg);
        const char *value = vf_config_get(&config, "KEY");
        bool same =
            value == rows[i].value || (value && rows[i].value && strcmp(value, rows[i].value) == 0);
        vf_check(same, "%s: %s", rows[i].text, value ? value : "nothing");
        vf_config_release(&config);
    }
}

static void test_bad_file(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg;
    } rows[] = {
        {"KEY", ".env:1: not a setting"},
        {"A=1\nKEY value\n", ".env:2: not a setting"},
        {"A=1\n\n=value\n", ".env:3: not a setting"},
        {"1KEY=value", ".env:1: not a setting"},
        {"KEY='value", ".env:1: not a setting"},
        {"KEY=\"value\" x", ".env:1: not a setting"},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct vf_config config = {0};
        struct vf_err err = {0};
        vf_check(load(rows[i].text, &config, &err) == VF_ERR_CONFIG, "%s", rows[i].text);
        vf_check(strstr(err.msg, rows[i].msg), "%s: %s", rows[i].text, err.msg);
        vf_check(!config.settings, "%s", rows[i].text);
    }
}

static void test_no_file(void **state)
{
    (void)state;
    struct vf_config config;
    struct scratch scratch;
    scratch_init(&scratch);
    assert_int_equal(vf_config_load(scratch_path(&scratch, ".env"), &config, NULL), 0);
    assert_null(vf_config_get(&config, "KEY"));
    /* A folder of that name belongs to somebody else. */
    assert_int_equal(vf_config_load(scratch.path, &config, NULL), 0);
    scratch_release(&scratch);
}

static void test_environment_wins(void **state)
{
    (void)state;
    struct vf_config config;
    assert_int_equal(load("KEY=file", &config, NULL), 0);
    setenv("KEY", "environment", 1);
    assert_string_equal(vf_config_get(&config, "KEY"), "environment");
    setenv("KEY", "", 1);
    assert_null(vf_config_get(&config, "KEY"));
    vf_config_release(&config);
}

static void test_database(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *file, *option, *url;
    } rows[] = {
        {"", "", NULL, "sqlite:vecfill.db"},
        {"", "", "sqlite:a.db", "sqlite:a.db"},
        {"VECFILL_DATABASE_URL=sqlite:b.db", "", "sqlite:a.db", "sqlite:a.db"},
        {"VECFILL_DATABASE_URL=sqlite:b.db", "VECFILL_DATABASE_URL=sqlite:c.db", NULL,
            "sqlite:b.db"},
        {"", "VECFILL_DATABASE_URL=sqlite:c.db", NULL, "sqlite:c.db"},
        {"HISTORICAL_DB_HOST=h", "VECFILL_DATABASE_URL=sqlite:c.db", NULL, "sqlite:c.db"},
        {"HISTORICAL_DB_HOST=h", "", NULL,
            "host='h' port='5432' dbname='prometheus_historical' user='prometheus'"},
        {"PGHOST=other",
            "HISTORICAL_DB_PASSWORD=\"it's \\\\ x\"\nHISTORICAL_DB_USER=u\n"
            "HISTORICAL_DB_NAME=n\nHISTORICAL_DB_PORT=5433",
            NULL, "host='localhost' port='5433' dbname='n' user='u' password='it\\'s \\\\ x'"},
        {"PGHOST=h", "", NULL, ""},
        {"", "PGDATABASE=d", NULL, ""},
        {"PGSERVICE=s", "", NULL, ""},
        {"PGUSER=u", "", NULL, "sqlite:vecfill.db"},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct vf_config config;
        char *url = NULL, pair[128];
        const char *source;
        clear_environment(state);
        snprintf(pair, sizeof pair, "%s", rows[i].environment);
        char *equals = strchr(pair, '=');
        if (equals) {
            *equals = '\0';
            setenv(pair, equals + 1, 1);
        }
        vf_check(load(rows[i].file, &config, NULL) == 0, "row %zu", i);
        vf_check(
            vf_config_database(&config, rows[i].option, &url, &source, NULL) == 0, "row %zu", i);
        vf_check(strcmp(url, rows[i].url) == 0, "row %zu: %s", i, url);
        free(url);
        vf_config_release(&config);
    }
}

/* libpq looks into the environment alone. */
static void test_libpq_settings(void **state)
{
    struct vf_config config;
    char *url = NULL;
    const char *source;
    clear_environment(state);
    setenv("PGUSER", "environment", 1);
    assert_int_equal(load("PGUSER=file\nPGPASSWORD=one\nPGPASSWORD=two\n", &config, NULL), 0);
    assert_int_equal(vf_config_database(&config, NULL, &url, &source, NULL), 0);
    assert_string_equal(getenv("PGUSER"), "environment");
    assert_string_equal(getenv("PGPASSWORD"), "two");
    free(url);
    vf_config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_file, clear_environment),
        cmocka_unit_test_setup(test_bad_file, clear_environment),
        cmocka_unit_test_setup(test_no_file, clear_environment),
        cmocka_unit_test_setup(test_environment_wins, clear_environment),
        cmocka_unit_test(test_database),
        cmocka_unit_test(test_libpq_settings),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
