#include "harness.h"

#include "../unit/scratch.h"
#include "cli/article_reader.h"

#include <stdio.h>
#include <string.h>

#define HEADER "article_id,published_at,language,headline,body\n"
#define LINE "{\"article_id\":1,\"published_at\":\"1970-01-01\"}\n"

/* Writes all articles of a file as "id|seconds|language|headline|body;", NULL as "-". */
static int read_all(
    const char *name, const char *text, size_t n, char *out, size_t size, struct vf_err *err)
{
    struct scratch scratch;
    struct vf_article_reader *reader = NULL;
    scratch_init(&scratch);
    scratch_write(&scratch, name, text, n);
    int rc = vf_article_reader_open(scratch_path(&scratch, name), &reader, err);
    bool at_end = false;
    size_t used = 0;
    out[0] = '\0';
    while (rc == 0) {
        struct vf_import_article a = {0};
        rc = vf_article_reader_next(reader, &a, &at_end, err);
        if (rc || at_end)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s|%lld|%s|%s|%s;", a.id,
            (long long)(a.published_at_us / 1000000), a.language ? a.language : "-",
            a.headline ? a.headline : "-", a.body ? a.body : "-");
        vf_import_article_release(&a);
    }
    vf_article_reader_close(reader);
    scratch_release(&scratch);
    return rc;
}

static void test_reads(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *articles;
    } rows[] = {
        {"a.jsonl", LINE, "1|0|-|-|-;"},
        {"a.jsonl", "", ""},
        {"a.jsonl", "\n  \r\n" LINE "\n", "1|0|-|-|-;"},
        {"a.json",
            "{\"article_id\":\"x7\",\"published_at\":\"1970-01-01T00:01:00Z\",\"language\":\"de\","
            "\"headline\":\"H\\u00e4\",\"body\":\"a\\nb\",\"more\":{}}",
            "x7|60|de|H\xC3\xA4|a\nb;"},
        {"unknown", " \n" LINE, "1|0|-|-|-;"},
        {"unknown", "\xEF\xBB\xBF" LINE, "1|0|-|-|-;"},
        {"a.jsonl", "{\"article_id\":1,\"published_at\":\"1970-01-01\",\"body\":\"a\xFF\xFE\"}",
            "1|0|-|-|a\xEF\xBF\xBD\xEF\xBF\xBD;"},
        {"a.csv", "", ""},
        {"a.csv", HEADER, ""},
        {"a.csv", HEADER "1,1970-01-01,en,Head,Body\n", "1|0|en|Head|Body;"},
        {"a.csv", "\xEF\xBB\xBF" HEADER "1,1970-01-01,en,Head,Body", "1|0|en|Head|Body;"},
        {"a.csv", HEADER "1,1970-01-01,,\"\",\r\n\r\n2,1970-01-01,,a,b\r\n", "1|0|-||-;2|0|-|a|b;"},
        {"a.csv", HEADER "1,1970-01-01,en,\"a, \"\"b\"\"\",\"c\r\nd\n\"\"\"\n",
            "1|0|en|a, \"b\"|c\r\nd\n\";"},
        {"a.csv", "body,more,published_at,article_id\nB,x,1970-01-01,7\n", "7|0|-|-|B;"},
        {"unknown", HEADER "1,1970-01-01,en,Head,Body\n", "1|0|en|Head|Body;"},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        char out[512];
        struct vf_err err = {0};
        int rc = read_all(rows[i].name, rows[i].text, strlen(rows[i].text), out, sizeof out, &err);
        vf_check(rc == 0, "row %zu: %s", i, err.msg);
        vf_check(strcmp(out, rows[i].articles) == 0, "row %zu: %s", i, out);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *articles, *msg;
    } rows[] = {
        {"a.jsonl", LINE "{\"article_id\":2}\n", "1|0|-|-|-;", "a.jsonl:2: no \"published_at\""},
        {"a.jsonl", "{\"published_at\":\"1970-01-01\"}", "", "a.jsonl:1: no \"article_id\""},
        {"a.jsonl", LINE "\n{\n", "1|0|-|-|-;", "a.jsonl:3: not valid JSON"},
        {"a.jsonl", "[1]", "", "a.jsonl:1: an array where an object"},
        {"a.jsonl", "{\"article_id\":1,\"published_at\":\"yesterday\"}", "",
            "'yesterday', which is no instant"},
        {"a.jsonl", "{\"article_id\":1,\"published_at\":0}", "", "\"published_at\" is a number"},
        {"a.jsonl", "{\"article_id\":1.5,\"published_at\":\"1970-01-01\"}", "",
            "\"article_id\" is a number"},
        {"a.jsonl", "{\"article_id\":1,\"published_at\":\"1970-01-01\",\"body\":[]}", "",
            "\"body\" is an array"},
        {"a.jsonl", "{\"article_id\":1,\"published_at\":\"1970-01-01\",\"body\":\"a\\u0000b\"}", "",
            "\"body\" holds U+0000"},
        {"a.jsonl", "{\"article_id\":1,\"article_id\":2,\"published_at\":\"1970-01-01\"}", "",
            "duplicate"},
        {"a.csv", "id,published_at\n", "", "a.csv:1: no column \"article_id\""},
        {"a.csv", "article_id,published_at,body,body\n", "", "two columns \"body\""},
        {"a.csv", HEADER "1,1970-01-01,en,Head\n", "", "a.csv:2: 4 fields where"},
        {"a.csv", HEADER "1,1970-01-01,en,a\"b\",c\n", "", "a.csv:2: a quote inside field 4"},
        {"a.csv", HEADER "1,1970-01-01,en,\"a\"b,\"c\"\n", "", "closing quote of field 4"},
        {"a.csv", HEADER "1,1970-01-01,en,\"a\n\nb,c\n", "", "a.csv:2: a quoted field without"},
        {"a.csv", HEADER "1,1970-01-01,en,\"a\nb\",c\n2,soon,,,\n", "1|0|en|a\nb|c;",
            "a.csv:4: \"published_at\" is 'soon'"},
        {"a.csv", HEADER ",1970-01-01,,,\n", "", "a.csv:2: no \"article_id\""},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        char out[512];
        struct vf_err err = {0};
        int rc = read_all(rows[i].name, rows[i].text, strlen(rows[i].text), out, sizeof out, &err);
        vf_check(rc == VF_ERR_DATA, "row %zu: %d", i, rc);
        vf_check(strstr(err.msg, rows[i].msg), "row %zu: %s", i, err.msg);
        vf_check(strcmp(out, rows[i].articles) == 0, "row %zu: %s", i, out);
    }
}

static void test_nul_byte(void **state)
{
    (void)state;
    static const char csv[] = HEADER "1,1970-01-01,en,a\0b,c\n";
    char out[64];
    struct vf_err err = {0};
    assert_int_equal(read_all("a.csv", csv, sizeof csv - 1, out, sizeof out, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "a.csv:2: a NUL byte"));
}

static void test_no_file(void **state)
{
    (void)state;
    struct vf_article_reader *reader = NULL;
    struct vf_err err = {0};
    assert_int_equal(vf_article_reader_open("/nowhere/a.csv", &reader, &err), VF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nowhere/a.csv"));
    assert_int_equal(vf_article_reader_open("/", &reader, &err), VF_ERR_IO);
}

/* Longer than what is read at once. */
static void test_long_line(void **state)
{
    (void)state;
    enum { N = 300000 };
    static char text[N + 128], out[N + 128];
    int begin = snprintf(
        text, sizeof text, "{\"article_id\":1,\"published_at\":\"1970-01-01\",\"body\":\"");
    memset(text + begin, 'x', N);
    memcpy(text + begin + N, "\"}\n" LINE, sizeof("\"}\n" LINE));
    struct vf_err err = {0};
    assert_int_equal(read_all("a.jsonl", text, strlen(text), out, sizeof out, &err), 0);
    assert_int_equal(strlen(out), strlen("1|0|-|-|;") + N + strlen("1|0|-|-|-;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests_name("article_reader", tests, NULL, NULL);
}
