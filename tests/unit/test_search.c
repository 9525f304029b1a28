#include "harness.h"
#include "support/desk.h"

#include "pipeline/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DIMENSIONS = 2 };

/* Vectors in the plane; article 3 lies on 2, at twice the length. */
static const float plane[][DIMENSIONS] = {
    {1, 0}, {1, 1}, {0, 1}, {0, 2}, {-1, 1}, {-1, 0}, {0.5f, -4}};

enum { N = VF_COUNT(plane) };

static void put_plane(struct desk *desk)
{
    struct vf_err err = {0};
    for (unsigned i = 0; i < N; i++) {
        static const uint8_t hash[VF_TEXT_HASH_BYTES];
        char id[16], headline[32];
        snprintf(id, sizeof id, "%u", i);
        snprintf(headline, sizeof headline, "headline %u", i);
        desk_put(desk, i, headline, "body");
        const struct vf_row row = {.source_id = id, .vector = plane[i], .text_hash = hash};
        int rc = vf_store_write(desk->writer, DESK_MODEL_ID, DIMENSIONS, &row, 1, &err);
        vf_check(rc == 0, "%s", err.msg);
    }
}

static void test_hits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float query[DIMENSIONS];
        size_t k;
        const char *language;
        const char *ids; /* of the hits, best first */
        double best;
    } cases[] = {
        {"ties by id", {0, 3}, 3, NULL, "2 3 1 ", 1.0},
        {"one", {1, 0.01f}, 1, NULL, "0 ", 0.99995},
        {"all, when k is more", {1, 0}, 100, NULL, "0 1 6 2 3 4 5 ", 1.0},
        {"the worst falls out", {-1, 0.001f}, 6, NULL, "5 4 2 3 6 1 ", 0.9999995},
        {"one language", {0, 1}, 2, "de", "3 1 ", 1.0},
        {"none wanted", {0, 1}, 0, NULL, "", 0.0},
        {"none there", {0, 1}, 5, "fr", "", 0.0},
    };
    struct desk desk;
    desk_init(&desk);
    put_plane(&desk);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_selection selection = desk_options().selection;
        struct vf_hit *hits = NULL;
        struct vf_err err = {0};
        char ids[64] = "";
        size_t n = 99;
        selection.language = cases[i].language;
        int rc = vf_search(
            desk.reader, &selection, cases[i].query, DIMENSIONS, cases[i].k, &hits, &n, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        for (size_t h = 0; h < n; h++) {
            char headline[32];
            snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s ", hits[h].article.id);
            snprintf(headline, sizeof headline, "headline %s", hits[h].article.id);
            assert_string_equal(hits[h].article.headline, headline);
            vf_check(h == 0 || hits[h].cosine <= hits[h - 1].cosine, "%s", cases[i].name);
        }
        vf_check(strcmp(ids, cases[i].ids) == 0, "%s: %s", cases[i].name, ids);
        vf_check(n == 0 || fabs(hits[0].cosine - cases[i].best) < 1e-7, "%s: %.9g", cases[i].name,
            hits[0].cosine);
        vf_hits_free(hits, n);
    }
    vf_hits_free(NULL, 0);
    desk_release(&desk);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float query[DIMENSIONS + 1];
        size_t dimensions;
        int rc;
    } cases[] = {
        {"another length", {1, 0, 0}, DIMENSIONS + 1, VF_ERR_CONFIG},
        {"no norm", {0, 0, 0}, DIMENSIONS, VF_ERR_USAGE},
        {"not a number", {NAN, 0, 0}, DIMENSIONS, VF_ERR_USAGE},
        {"infinite", {INFINITY, 0, 0}, DIMENSIONS, VF_ERR_USAGE},
    };
    struct desk desk;
    desk_init(&desk);
    put_plane(&desk);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const struct vf_selection selection = desk_options().selection;
        struct vf_hit *hits = NULL;
        struct vf_err err = {0};
        size_t n = 99;
        int rc = vf_search(
            desk.reader, &selection, cases[i].query, cases[i].dimensions, 3, &hits, &n, &err);
        vf_check(rc == cases[i].rc, "%s: %d %s", cases[i].name, rc, err.msg);
        vf_check(!hits && n == 99, "%s: outputs after a failure", cases[i].name);
    }
    desk_release(&desk);
}

/* Many vectors against a sorted list: the heap keeps exactly the best. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 500, K = 37 };
    static float vectors[MANY][DIMENSIONS];
    static char ids[MANY][16];
    static struct vf_row rows[MANY];
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    struct desk desk;
    const struct vf_selection selection = desk_options().selection;
    const float query[DIMENSIONS] = {1, 0};
    struct vf_hit *hits = NULL;
    struct vf_err err = {0};
    size_t n = 0;
    desk_init(&desk);
    desk_fill(&desk, 0, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned rank = i * 211 % MANY; /* the angle grows with the rank; 211 is prime to MANY */
        float angle = (float)rank / MANY;
        vectors[i][0] = cosf(angle);
        vectors[i][1] = sinf(angle);
        snprintf(ids[i], sizeof ids[i], "%u", rank);
        rows[i] = (struct vf_row){.source_id = ids[i], .vector = vectors[i], .text_hash = hash};
    }
    vf_check(vf_store_write(desk.writer, DESK_MODEL_ID, DIMENSIONS, rows, MANY, &err) == 0, "%s",
        err.msg);
    int rc = vf_search(desk.reader, &selection, query, DIMENSIONS, K, &hits, &n, &err);
    vf_check(rc == 0, "%s", err.msg);
    assert_int_equal(n, K);
    for (unsigned h = 0; h < K; h++) {
        char id[16];
        snprintf(id, sizeof id, "%u", h);
        assert_string_equal(hits[h].article.id, id);
    }
    vf_hits_free(hits, n);
    desk_release(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hits),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
