/* Articles for `vecfill import`, out of JSON Lines or CSV with article_id, published_at, language,
 * headline and body (the last three may be missing, null or, in CSV, empty without quotes). What a
 * file has beside these is passed over. A file is CSV when its name ends in .csv, JSON Lines when
 * it ends in .json, .jsonl or .ndjson; else its first byte decides: '{' is JSON Lines. */
#ifndef VF_CLI_ARTICLE_READER_H
#define VF_CLI_ARTICLE_READER_H

#include "store/store.h"

struct vf_article_reader;

/* Opens `path` ("-": standard input), which must outlive the reader. The caller ends *ret with
 * vf_article_reader_close(). */
VF_MUST_CHECK int vf_article_reader_open(
    const char *path, struct vf_article_reader **ret, struct vf_err *err);

/* Accepts NULL. */
void vf_article_reader_close(struct vf_article_reader *reader);

/* Reads the next article into *ret, whose strings the caller frees with
 * vf_import_article_release(). *ret_end tells that there was none. VF_ERR_DATA names file and
 * line. */
VF_MUST_CHECK int vf_article_reader_next(struct vf_article_reader *reader,
    struct vf_import_article *ret, bool *ret_end, struct vf_err *err);

/* Frees the strings. Accepts a zeroed struct. */
void vf_import_article_release(struct vf_import_article *article);

#endif
