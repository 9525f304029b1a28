/* Floats as decimal text that reads back to the same bits, whatever the locale. */
#ifndef VF_CLI_FLOAT_TEXT_H
#define VF_CLI_FLOAT_TEXT_H

#include <stddef.h>

#define VF_FLOAT_TEXT_MAX 24

/* Writes the finite `x` to `out` with up to 9 significant digits, valid JSON, without a NUL;
 * returns the bytes written, at most VF_FLOAT_TEXT_MAX. */
size_t vf_float_text(float x, char *out);

#endif
