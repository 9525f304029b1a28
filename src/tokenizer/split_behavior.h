/* What becomes of the delimiters that a text is cut at: the "behavior" of tokenizer.json.
 *
 *                       the-final--countdown at "-"
 *     Removed             the final countdown
 *     Isolated            the - final - - countdown
 *     MergedWithPrevious  the- final- - countdown
 *     MergedWithNext      the -final - -countdown
 *     Contiguous          the - final -- countdown
 */
#ifndef VF_TOKENIZER_SPLIT_BEHAVIOR_H
#define VF_TOKENIZER_SPLIT_BEHAVIOR_H

#include "tokenizer/pretokenizer.h"

#include <stdbool.h>

enum vf_split_behavior {
    VF_SPLIT_REMOVED,
    VF_SPLIT_ISOLATED,
    VF_SPLIT_MERGED_WITH_PREVIOUS,
    VF_SPLIT_MERGED_WITH_NEXT,
    VF_SPLIT_CONTIGUOUS
};

/* Reads "behavior" of the object, which must have it. */
VF_MUST_CHECK int vf_split_behavior_read(
    const json_t *json, const char *where, enum vf_split_behavior *ret, struct vf_err *err);

/* Cuts one piece, of which it is told the delimiters and what lies between them. */
struct vf_cutter {
    enum vf_split_behavior behavior;
    const struct vf_piece *piece;
    const struct vf_piece_taker *taker;
    size_t begin; /* of what is held back until the next part is known */
    size_t end;
    bool holds;
    bool was_delimiter; /* the part before */
};

/* Tells of the next part, from where the last one ended up to `end`. Returns what the taker does.
 */
VF_MUST_CHECK int vf_cutter_add(struct vf_cutter *cutter, size_t end, bool is_delimiter);

/* Hands on what is held back. */
VF_MUST_CHECK int vf_cutter_finish(struct vf_cutter *cutter);

#endif
