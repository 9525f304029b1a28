/* A small tokenizer.json (tokenizer_file.json), changed here and there, for tests. */
#ifndef VF_TESTS_TOKENIZER_FILE_H
#define VF_TESTS_TOKENIZER_FILE_H

#include "unit/scratch.h"

/* An added token as JSON; the flags are those that are on. */
#define FLAGS(single_word, lstrip, rstrip, normalized)                                             \
    "\"single_word\":" #single_word ",\"lstrip\":" #lstrip ",\"rstrip\":" #rstrip                  \
    ",\"normalized\":" #normalized ",\"special\":false}"
#define ADDED(id, content, flags) "{\"id\":" #id ",\"content\":\"" content "\"," flags
#define PLAIN FLAGS(false, false, false, false)
#define SINGLE_WORD FLAGS(true, false, false, false)
#define STRIPS FLAGS(false, true, true, false)
#define NORMALIZED FLAGS(false, false, false, true)

/* Writes the file as tokenizer.json into the directory, with `json` in place of what is at `path`
 * ("model.vocab", "added_tokens.0.id"). NULL for `json` deletes; NULL for `path` changes nothing.
 * Failures fail the test. */
void tokenizer_file_write(const struct scratch *scratch, const char *path, const char *json);

/* The same with one of the files of tests/parity/tokenizers/. */
void tokenizer_file_write_kind(
    const struct scratch *scratch, const char *kind, const char *path, const char *json);

#endif
