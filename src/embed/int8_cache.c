#include "embed/int8_cache.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "embed/calibration_texts.h"
#include "encoder/int8_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends the folder of the files, or nothing when there is none. */
static int append_folder(struct vf_buf *out, struct vf_err *err)
{
    const char *own = getenv("VECFILL_CACHE_DIR");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own)
        return *own ? vf_buf_printf(out, err, "%s/int8", own) : 0;
    if (cache && *cache)
        return vf_buf_printf(out, err, "%s/vecfill/int8", cache);
    if (home && *home)
        return vf_buf_printf(out, err, "%s/.cache/vecfill/int8", home);
    return 0;
}

/* The SHA-256 of the recipe, the model's files and the texts' ids, in hexadecimal. */
static int compute_key(const struct vf_embedder *e, const struct vf_calibration_texts *texts,
    char ret[VF_SHA256_DIGITS + 1], struct vf_err *err)
{
    int rc = 0;
    struct vf_buf content = {0};
    struct vf_identity identity;
    uint8_t digest[VF_SHA256_BYTES];
    VF_TRY(vf_identify(e, &identity, err));
    VF_TRY(vf_buf_printf(
        &content, err, "recipe %s weights %s texts", VF_INT8_RECIPE, identity.weights_sha256));
    for (size_t i = 0; i < texts->n; i++) {
        uint64_t n = texts->sequences[i].n;
        VF_TRY(vf_buf_append(&content, &n, sizeof(n), err));
        VF_TRY(vf_buf_append(&content, texts->sequences[i].ids, n * sizeof(int32_t), err));
    }
    VF_TRY(vf_sha256(content.data, content.size, digest, err));
    vf_sha256_hex(digest, ret);
out:
    vf_buf_release(&content);
    return rc;
}

/* The path of the file for this model and these texts; NULL when nothing is to be kept. */
static int find_path(const struct vf_embedder *e, const struct vf_calibration_texts *texts,
    char **ret, struct vf_err *err)
{
    int rc = 0;
    char key[VF_SHA256_DIGITS + 1];
    struct vf_buf path = {0};
    *ret = NULL;
    VF_TRY(append_folder(&path, err));
    if (path.size == 0)
        goto out;
    VF_TRY(compute_key(e, texts, key, err));
    VF_TRY(vf_buf_printf(&path, err, "/%s", key));
    *ret = vf_buf_detach(&path);
    if (!*ret)
        rc = vf_fail_memory(err, "a path");
out:
    vf_buf_release(&path);
    return rc;
}

/* False when there is no file, or one that cannot be used. */
static bool read_file(const char *path, struct vf_int8_weights *ret)
{
    struct vf_mapping file = {0};
    bool read = path && vf_map(path, &file, NULL) == 0 &&
                vf_int8_weights_read(file.data, file.size, ret, NULL) == 0;
    vf_unmap(&file);
    return read;
}

static bool make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *p = '/';
        if (!made)
            return false;
    }
    return true;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

/* Writes the file under a passing name, in which the address tells the threads of a process apart,
 * and renames it. What fails is left to the next run. */
static void keep(char *path, const struct vf_int8_weights *weights)
{
    struct vf_buf bytes = {0}, passing = {0};
    int fd = -1;
    if (!make_folders(path) || vf_int8_weights_write(weights, &bytes, NULL) ||
        vf_buf_printf(&passing, NULL, "%s.%ld.%p", path, (long)getpid(), (void *)&passing))
        goto out;
    fd = open(passing.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        goto out;
    bool written = write_all(fd, bytes.data, bytes.size);
    if (close(fd) || !written || rename(passing.data, path))
        unlink(passing.data);
out:
    vf_buf_release(&bytes);
    vf_buf_release(&passing);
}

int vf_int8_obtain(
    const struct vf_embedder *embedder, struct vf_int8_weights *ret, struct vf_err *err)
{
    int rc = 0;
    char *path = NULL;
    struct vf_calibration_texts texts = {0};
    size_t positions = embedder->info.max_positions;
    VF_TRY(vf_calibration_texts_read(embedder->tokenizer,
        positions < VF_CALIBRATION_TOKENS ? positions : VF_CALIBRATION_TOKENS, &texts, err));
    VF_TRY(find_path(embedder, &texts, &path, err));
    if (read_file(path, ret))
        goto out;
    VF_TRY(vf_int8_weights_make(
        embedder->model, texts.sequences, texts.n, embedder->info.threads, ret, err));
    if (path)
        keep(path, ret);
out:
    free(path);
    vf_calibration_texts_release(&texts);
    return rc;
}
