/* Any bytes as a pickle: they are refused, or describe tensors by what lies in them. */
#include "model/pickle.h"

#include <stdlib.h>

static int is_inside(struct vf_pickle_text text, const uint8_t *data, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    return bytes >= data && text.n <= n && (size_t)(bytes - data) <= n - text.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vf_pickle_tensor *tensors = NULL;
    size_t n_tensors = 0;
    if (vf_pickle_read(data, n, "input", &tensors, &n_tensors, NULL))
        return 0;
    for (size_t i = 0; i < n_tensors; i++)
        if (!is_inside(tensors[i].name, data, n) || !is_inside(tensors[i].key, data, n) ||
            tensors[i].rank > VF_PICKLE_MAX_RANK || tensors[i].item_bytes == 0)
            abort();
    free(tensors);
    return 0;
}
