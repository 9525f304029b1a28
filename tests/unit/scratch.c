#if defined(__linux__)
#define _GNU_SOURCE /* FTW_DEPTH under strict C17 */
#endif

#include "unit/scratch.h"

#include "harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_init(struct scratch *scratch)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || strlen(tmp) > 32)
        tmp = "/tmp";
    snprintf(scratch->path, sizeof scratch->path, "%s/vecfill-test-XXXXXX", tmp);
    assert_non_null(mkdtemp(scratch->path));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void scratch_release(struct scratch *scratch)
{
    assert_int_equal(nftw(scratch->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
    static char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", scratch->path, name);
    assert_in_range(n, 0, sizeof path - 1);
    return path;
}

void scratch_write(const struct scratch *scratch, const char *name, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s", scratch_path(scratch, name));
    for (char *slash = strchr(path + strlen(scratch->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700); /* may be there; what matters is that the file can be written */
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}
