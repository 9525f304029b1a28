/* The options that choose an encoder, shared by every command that uses one. */
#ifndef VF_CLI_MODEL_ARGS_H
#define VF_CLI_MODEL_ARGS_H

#include "cli/message.h"
#include "cli/options.h"

#include <vecfill/vecfill.h>

struct vf_model_args {
    char *model; /* NULL: VF_DEFAULT_MODEL */
    char *revision;
    size_t max_seq_length, threads, dimensions; /* 0: not given */
    char *prompt, *prompt_name, *task;
    bool queries; /* set by the command: its texts are questions, not documents */
    bool has_chunk_overlap;
    size_t chunk_overlap;
    const char *precision, *device, *long_text; /* as they were given; NULL: the default */
};

#define VF_DEFAULT_MODEL "sentence-transformers/all-MiniLM-L6-v2"
#define VF_DEFAULT_MODEL_ID "text-fin-general-v1"

/* --hf-model-name first, so that a command which names the model otherwise begins at 1. */
enum { VF_N_MODEL_OPTIONS = 12 };
extern const struct vf_option vf_model_options[VF_N_MODEL_OPTIONS];

/* Opens the model; with `tokenizer_only` without its weights. Says so when it is fetched first. */
VF_MUST_CHECK int vf_model_args_open(const struct vf_model_args *args, struct vf_console *console,
    bool tokenizer_only, struct vf_embedder **ret, struct vf_err *err);

/* Says which model is used, where it lies, and what limits a text. */
void vf_model_say(struct vf_console *console, const struct vf_model_info *info);

#endif
