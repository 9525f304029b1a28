#include "base/buf.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

static void check_invariants(const struct vf_buf *buf, const char *name)
{
    vf_check(buf->size <= buf->capacity || !buf->data, "%s: size %zu over capacity %zu", name,
        buf->size, buf->capacity);
    vf_check(buf->limit == 0 || buf->capacity <= buf->limit, "%s: capacity %zu over limit %zu",
        name, buf->capacity, buf->limit);
    if (buf->data)
        vf_check(buf->data[buf->size] == '\0', "%s: not terminated", name);
}

static void append_up_to_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t limit, first, second;
        int first_rc, second_rc;
        size_t size; /* at the end */
    } cases[] = {
        {"no limit", 0, 10, 100000, 0, 0, 100010},
        {"nothing at all", 0, 0, 0, 0, 0, 0},
        {"exactly the limit", 10, 4, 6, 0, 0, 10},
        {"exactly the limit, over the first capacity", 1000, 999, 1, 0, 0, 1000},
        {"one over the limit", 10, 4, 7, 0, VF_ERR_NO_MEMORY, 4},
        {"over the limit at once", 10, 11, 10, VF_ERR_NO_MEMORY, 0, 10},
        {"limit of one", 1, 1, 1, 0, VF_ERR_NO_MEMORY, 1},
    };
    static const char zeros[100000];
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_buf buf = {.limit = cases[i].limit};
        struct vf_err err;
        int rc = vf_buf_append(&buf, zeros, cases[i].first, &err);
        vf_check(rc == cases[i].first_rc, "%s: first append gave %d", cases[i].name, rc);
        check_invariants(&buf, cases[i].name);
        rc = vf_buf_append(&buf, zeros, cases[i].second, &err);
        vf_check(rc == cases[i].second_rc, "%s: second append gave %d", cases[i].name, rc);
        vf_check(buf.size == cases[i].size, "%s: size %zu", cases[i].name, buf.size);
        check_invariants(&buf, cases[i].name);
        vf_buf_release(&buf);
        vf_check(buf.limit == cases[i].limit, "%s: release lost the limit", cases[i].name);
    }
}

static void a_failed_append_keeps_the_content(void **state)
{
    (void)state;
    struct vf_buf buf = {.limit = 8};
    struct vf_err err;
    assert_int_equal(vf_buf_append_string(&buf, "abc", &err), 0);
    assert_int_equal(vf_buf_append_string(&buf, "defghi", &err), VF_ERR_NO_MEMORY);
    assert_int_equal(err.code, VF_ERR_NO_MEMORY);
    assert_non_null(strstr(err.msg, "8 bytes"));
    assert_int_equal(vf_buf_printf(&buf, &err, "%d", 123456), VF_ERR_NO_MEMORY);
    assert_string_equal(buf.data, "abc");
    assert_int_equal(vf_buf_printf(&buf, &err, "%d", 12345), 0);
    assert_string_equal(buf.data, "abc12345");
    vf_buf_release(&buf);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    struct vf_buf buf = {0};
    assert_int_equal(vf_buf_append_string(&buf, "x", NULL), 0);
    assert_int_equal(vf_buf_reserve(&buf, SIZE_MAX, NULL), VF_ERR_NO_MEMORY);
    assert_int_equal(vf_buf_reserve(&buf, SIZE_MAX / 2, NULL), VF_ERR_NO_MEMORY);
    assert_string_equal(buf.data, "x");
    vf_buf_release(&buf);
}

static void any_bytes_fit(void **state)
{
    (void)state;
    static const char bytes[] = "a\0b\377";
    struct vf_buf buf = {0};
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(vf_buf_append(&buf, bytes, sizeof bytes, NULL), 0);
    assert_int_equal(buf.size, 1000 * sizeof bytes);
    for (size_t i = 0; i < 1000; i++)
        vf_check(memcmp(buf.data + i * sizeof bytes, bytes, sizeof bytes) == 0, "copy %zu", i);
    vf_buf_release(&buf);
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct vf_buf buf = {0};
    vf_buf_clear(&buf);
    assert_null(buf.data);
    assert_int_equal(vf_buf_append_string(&buf, "abc", NULL), 0);
    const char *data = buf.data;
    vf_buf_clear(&buf);
    assert_int_equal(buf.size, 0);
    assert_string_equal(buf.data, "");
    assert_int_equal(vf_buf_append_string(&buf, "de", NULL), 0);
    assert_ptr_equal(buf.data, data);
    assert_string_equal(buf.data, "de");
    vf_buf_release(&buf);
    vf_buf_release(NULL);
}

static void detach_gives_a_string(void **state)
{
    (void)state;
    struct vf_buf buf = {.limit = 100};
    char *empty = vf_buf_detach(&buf);
    assert_string_equal(empty, "");
    free(empty);
    assert_int_equal(vf_buf_printf(&buf, NULL, "%s-%03d", "n", 7), 0);
    char *text = vf_buf_detach(&buf);
    assert_string_equal(text, "n-007");
    free(text);
    assert_null(buf.data);
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf.capacity, 0);
    assert_int_equal(buf.limit, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_up_to_the_limit),
        cmocka_unit_test(a_failed_append_keeps_the_content),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(any_bytes_fit),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(detach_gives_a_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
