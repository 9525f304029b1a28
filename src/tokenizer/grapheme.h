/* Clusters of characters that belong together (Unicode annex 29, extended grapheme clusters), told
 * apart as far as the reference library's Precompiled normaliser can tell them: pairs of regional
 * indicators, whose clusters are all beyond its limit, count as single characters.
 */
#ifndef VF_TOKENIZER_GRAPHEME_H
#define VF_TOKENIZER_GRAPHEME_H

#include <stddef.h>
#include <stdint.h>

/* The end of the cluster that begins at `p` < `end` in valid UTF-8. */
const uint8_t *vf_grapheme_next(const uint8_t *p, const uint8_t *end);

#endif
