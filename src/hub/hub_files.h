/* Which files of a repository an encoder needs. The list is fixed; only the folders of the modules
 * and the names of the weights' shards come from the repository, and those are checked: a path that
 * could lead out of the snapshot is VF_ERR_DATA.
 *
 *   modules.json                       with it: config.json of each module in a folder, and
 *                                      model.safetensors, or pytorch_model.bin instead, of those
 *                                      that have weights
 *   config.json                        required
 *   tokenizer.json                     required, or vocab.txt instead
 *   tokenizer_config.json, special_tokens_map.json, config_sentence_transformers.json,
 *   sentence_bert_config.json          (with modules.json also under its older names)
 *   model.safetensors                  required, or the first of model.safetensors.index.json with
 *                                      its shards, pytorch_model.bin, pytorch_model.bin.index.json
 *                                      with its shards
 */
#ifndef VF_HUB_HUB_FILES_H
#define VF_HUB_HUB_FILES_H

#include "base/error.h"

#include <stdbool.h>

/* Gets the file at `path` in the repository into the snapshot. *ret_found tells whether there is
 * one. */
typedef int vf_hub_getter(void *context, const char *path, bool *ret_found, struct vf_err *err);

/* Asks `get` for every file, small ones first. `directory` is the snapshot, from which modules.json
 * and the shards' index are read once they are there; `model` is for messages. VF_ERR_NOT_FOUND
 * when a required file is absent. */
VF_MUST_CHECK int vf_hub_files_visit(const char *directory, const char *model, vf_hub_getter *get,
    void *context, struct vf_err *err);

#endif
