/* Any bytes as a safetensors file: they are refused, or every tensor can be read. */
#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vf_safetensors *file = NULL;
    size_t n_tensors, sum = 0;
    if (vf_safetensors_parse(data, n, "input", &file, NULL))
        return 0;
    const struct vf_stored_tensor *tensors = vf_safetensors_tensors(file, &n_tensors);
    for (size_t i = 0; i < n_tensors; i++) {
        const uint8_t *bytes = tensors[i].data;
        for (size_t j = 0; j < tensors[i].n_bytes; j++)
            sum += bytes[j];
        sum += strlen(tensors[i].name) + strlen(tensors[i].dtype);
    }
    if (vf_safetensors_bytes(file) != n || sum == SIZE_MAX)
        abort();
    vf_safetensors_close(file);
    return 0;
}
