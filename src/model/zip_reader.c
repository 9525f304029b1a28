#include "model/zip_reader.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIGNATURE = 0x04034b50,
    CENTRAL_SIGNATURE = 0x02014b50,
    END_SIGNATURE = 0x06054b50,
    END64_SIGNATURE = 0x06064b50,
    LOCATOR64_SIGNATURE = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    MAX_COMMENT_BYTES = 65535,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1,
    METHOD_STORED = 0,
    MAX_MEMBERS = 1 << 20
};

static const uint32_t in_zip64 = UINT32_MAX; /* a 32-bit field whose value is in 64-bit ones */

struct archive {
    const uint8_t *bytes;
    size_t n;
    const char *path;
};

/* Where the central directory lies. */
struct directory {
    uint64_t offset, n_bytes, members;
};

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int fail(const struct archive *a, const char *why, struct vf_err *err)
{
    vf_fail(err, VF_ERR_DATA, "%s: not a sound zip archive: %s", a->path, why);
    return VF_ERR_DATA;
}

/* True when `n` bytes at `offset` lie inside of `size` bytes. */
static bool is_inside(uint64_t offset, uint64_t n, size_t size)
{
    return offset <= size && n <= size - offset;
}

bool vf_zip_is(const uint8_t *bytes, size_t n)
{
    return n >= 4 && u32(bytes) == LOCAL_SIGNATURE;
}

/* ---- the central directory ---- */

/* The record at the end of the archive, which only a comment may follow; NULL without one. */
static const uint8_t *find_end(const struct archive *a)
{
    for (size_t comment = 0; comment <= MAX_COMMENT_BYTES; comment++) {
        if (a->n < END_BYTES + comment)
            return NULL;
        const uint8_t *end = a->bytes + a->n - END_BYTES - comment;
        if (u32(end) == END_SIGNATURE && u16(end + 20) == comment)
            return end;
    }
    return NULL;
}

/* Replaces what the record at `end` says by the 64-bit record, if there is one. */
static int read_end64(
    const struct archive *a, const uint8_t *end, struct directory *ret, struct vf_err *err)
{
    size_t before = (size_t)(end - a->bytes);
    if (before < LOCATOR64_BYTES || u32(end - LOCATOR64_BYTES) != LOCATOR64_SIGNATURE)
        return 0;
    uint64_t offset = u64(end - LOCATOR64_BYTES + 8);
    if (!is_inside(offset, END64_BYTES, before - LOCATOR64_BYTES) ||
        u32(a->bytes + offset) != END64_SIGNATURE)
        return fail(a, "the 64-bit end of its directory is not where it is said to be", err);
    const uint8_t *end64 = a->bytes + offset;
    if (u32(end64 + 16) != 0 || u32(end64 + 20) != 0)
        return fail(a, "it is in several parts", err);
    *ret = (struct directory){
        .members = u64(end64 + 32), .n_bytes = u64(end64 + 40), .offset = u64(end64 + 48)};
    return 0;
}

static int find_directory(const struct archive *a, struct directory *ret, struct vf_err *err)
{
    const uint8_t *end = find_end(a);
    if (!end)
        return fail(a, "its end is missing", err);
    if (u16(end + 4) != 0 || u16(end + 6) != 0)
        return fail(a, "it is in several parts", err);
    struct directory directory = {
        .members = u16(end + 10), .n_bytes = u32(end + 12), .offset = u32(end + 16)};
    int rc = read_end64(a, end, &directory, err);
    if (rc)
        return rc;
    if (!is_inside(directory.offset, directory.n_bytes, (size_t)(end - a->bytes)))
        return fail(a, "its directory lies outside of it", err);
    if (directory.members > MAX_MEMBERS || directory.members > directory.n_bytes / CENTRAL_BYTES)
        return fail(a, "it has too many members", err);
    *ret = directory;
    return 0;
}

/* ---- members ---- */

/* What an entry of the directory says of a member. */
struct entry {
    uint64_t n_packed, n_data, offset; /* offset of the local header */
};

/* Takes the next 64-bit value of the extra field for a value that needed one. */
static bool take64(uint64_t *value, const uint8_t **p, size_t *left)
{
    if (*value != in_zip64)
        return true;
    if (*left < 8)
        return false;
    *value = u64(*p);
    *p += 8;
    *left -= 8;
    return true;
}

/* Looks for 64-bit values in `n` bytes of extra fields. */
static bool read_extra(const uint8_t *p, size_t n, struct entry *entry)
{
    while (n >= 4) {
        size_t id = u16(p), size = u16(p + 2);
        p += 4;
        n -= 4;
        if (size > n)
            return false;
        if (id == EXTRA_ZIP64) {
            const uint8_t *value = p;
            size_t left = size;
            return take64(&entry->n_data, &value, &left) &&
                   take64(&entry->n_packed, &value, &left) && take64(&entry->offset, &value, &left);
        }
        p += size;
        n -= size;
    }
    return true;
}

/* Finds the data behind the local header, which repeats the name. */
static int find_data(const struct archive *a, const struct directory *directory,
    const struct entry *entry, struct vf_zip_member *member, struct vf_err *err)
{
    size_t limit = (size_t)directory->offset;
    if (!is_inside(entry->offset, LOCAL_BYTES, limit))
        return fail(a, "a member lies outside of it", err);
    const uint8_t *local = a->bytes + entry->offset;
    uint64_t begin = entry->offset + LOCAL_BYTES + u16(local + 26) + u16(local + 28);
    if (u32(local) != LOCAL_SIGNATURE || !is_inside(begin, entry->n_data, limit))
        return fail(a, "a member lies outside of it", err);
    if (u16(local + 26) != member->n_name ||
        memcmp(local + LOCAL_BYTES, member->name, member->n_name) != 0)
        return fail(a, "a member has two names", err);
    member->data = a->bytes + begin;
    member->n_data = (size_t)entry->n_data;
    return 0;
}

/* Reads the entry at `p`, of at most `n` bytes; *ret_size is its length. */
static int read_member(const struct archive *a, const struct directory *directory, const uint8_t *p,
    size_t n, struct vf_zip_member *ret, size_t *ret_size, struct vf_err *err)
{
    if (n < CENTRAL_BYTES || u32(p) != CENTRAL_SIGNATURE)
        return fail(a, "its directory is cut short", err);
    size_t n_name = u16(p + 28), n_extra = u16(p + 30), n_comment = u16(p + 32);
    size_t size = CENTRAL_BYTES + n_name + n_extra + n_comment;
    if (size > n)
        return fail(a, "its directory is cut short", err);
    if (u16(p + 8) & FLAG_ENCRYPTED)
        return fail(a, "a member is encrypted", err);
    if (u16(p + 10) != METHOD_STORED)
        return fail(a, "a member is compressed, which torch never does", err);
    struct entry entry = {.n_packed = u32(p + 20), .n_data = u32(p + 24), .offset = u32(p + 42)};
    if (!read_extra(p + CENTRAL_BYTES + n_name, n_extra, &entry))
        return fail(a, "a 64-bit size is cut short", err);
    if (entry.n_packed != entry.n_data)
        return fail(a, "a stored member has two sizes", err);
    struct vf_zip_member member = {.name = (const char *)p + CENTRAL_BYTES, .n_name = n_name};
    if (memchr(member.name, '\0', n_name))
        return fail(a, "a member's name holds a NUL", err);
    int rc = find_data(a, directory, &entry, &member, err);
    if (rc)
        return rc;
    *ret = member;
    *ret_size = size;
    return 0;
}

static int compare_names(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static int by_name(const void *a, const void *b)
{
    const struct vf_zip_member *x = a, *y = b;
    return compare_names(x->name, x->n_name, y->name, y->n_name);
}

static int read_members(const struct archive *a, const struct directory *directory,
    struct vf_zip *zip, struct vf_err *err)
{
    const uint8_t *p = a->bytes + directory->offset;
    size_t left = (size_t)directory->n_bytes;
    for (; zip->n < directory->members; zip->n++) {
        size_t size = 0;
        int rc = read_member(a, directory, p, left, &zip->members[zip->n], &size, err);
        if (rc)
            return rc;
        p += size;
        left -= size;
    }
    qsort(zip->members, zip->n, sizeof *zip->members, by_name);
    for (size_t i = 1; i < zip->n; i++)
        if (by_name(&zip->members[i - 1], &zip->members[i]) == 0)
            return fail(a, "two members have one name", err);
    return 0;
}

int vf_zip_read(
    const uint8_t *bytes, size_t n, const char *path, struct vf_zip *ret, struct vf_err *err)
{
    const struct archive archive = {.bytes = bytes, .n = n, .path = path};
    struct directory directory = {0};
    struct vf_zip zip = {0};
    int rc;
    VF_TRY(find_directory(&archive, &directory, err));
    zip.members = calloc((size_t)directory.members + 1, sizeof *zip.members);
    if (!zip.members) {
        rc = vf_fail_memory(err, "the members of an archive");
        goto out;
    }
    VF_TRY(read_members(&archive, &directory, &zip, err));
    *ret = zip;
    zip = (struct vf_zip){0};
out:
    vf_zip_release(&zip);
    return rc;
}

void vf_zip_release(struct vf_zip *zip)
{
    if (!zip)
        return;
    free(zip->members);
    *zip = (struct vf_zip){0};
}

/* Compares a member's name with `prefix` and `name` joined. */
static int compare_joined(const struct vf_zip_member *member, const char *prefix, size_t n_prefix,
    const char *name, size_t n_name)
{
    size_t n_head = member->n_name < n_prefix ? member->n_name : n_prefix;
    int order = compare_names(member->name, n_head, prefix, n_prefix);
    return order ? order
                 : compare_names(member->name + n_head, member->n_name - n_head, name, n_name);
}

const struct vf_zip_member *vf_zip_find(
    const struct vf_zip *zip, const char *prefix, const char *name, size_t n_name)
{
    size_t low = 0, high = zip->n, n_prefix = strlen(prefix);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vf_zip_member *member = &zip->members[middle];
        int order = compare_joined(member, prefix, n_prefix, name, n_name);
        if (order == 0)
            return member;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
