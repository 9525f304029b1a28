/* Gives every file of a folder to a fuzz target, as libFuzzer would:
 *
 *     replay_TARGET FOLDER
 */
#include "base/buf.h"
#include "base/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_INPUT_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay_file(const char *folder, const char *name)
{
    struct vf_buf input = {0};
    struct vf_err err = {0};
    char *path = vf_path_join(folder, name);
    int rc = path ? vf_read_file(path, MAX_INPUT_BYTES, &input, &err) : -1;
    if (rc)
        fprintf(stderr, "%s: %s\n", name, err.msg);
    else
        (void)LLVMFuzzerTestOneInput((const uint8_t *)(input.data ? input.data : ""), input.size);
    vf_buf_release(&input);
    free(path);
    return rc;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    size_t n_files = 0;
    int rc = 0;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        rc = replay_file(argv[1], entry->d_name);
        n_files++;
    }
    (void)closedir(folder);
    printf("%zu inputs\n", n_files);
    return rc == 0 && n_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
