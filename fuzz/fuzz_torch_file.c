/* Any bytes as a file of torch.save(): they are refused, or every tensor can be read. */
#include "model/torch_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vf_torch_file *file = NULL;
    size_t n_tensors, sum = 0;
    if (vf_torch_file_parse(data, n, "input", &file, NULL))
        return 0;
    const struct vf_stored_tensor *tensors = vf_torch_file_tensors(file, &n_tensors);
    for (size_t i = 0; i < n_tensors; i++) {
        const uint8_t *bytes = tensors[i].data;
        if (bytes && tensors[i].n_bytes > 0)
            sum += (size_t)bytes[0] + bytes[tensors[i].n_bytes - 1];
        sum += strlen(tensors[i].name) + strlen(tensors[i].dtype);
    }
    if (vf_torch_file_bytes(file) != n || sum == SIZE_MAX)
        abort();
    vf_torch_file_close(file);
    return 0;
}
