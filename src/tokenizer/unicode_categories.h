/* General categories of code points, as the regular expressions of the reference library have
 * them (another version of Unicode than unicode.h). */
#ifndef VF_TOKENIZER_UNICODE_CATEGORIES_H
#define VF_TOKENIZER_UNICODE_CATEGORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A code point's category is one of these bits. */
enum vf_category {
    VF_CATEGORY_CN = 1 << 0,
    VF_CATEGORY_CC = 1 << 1,
    VF_CATEGORY_CF = 1 << 2,
    VF_CATEGORY_CO = 1 << 3,
    VF_CATEGORY_LU = 1 << 4,
    VF_CATEGORY_LL = 1 << 5,
    VF_CATEGORY_LT = 1 << 6,
    VF_CATEGORY_LM = 1 << 7,
    VF_CATEGORY_LO = 1 << 8,
    VF_CATEGORY_MN = 1 << 9,
    VF_CATEGORY_MC = 1 << 10,
    VF_CATEGORY_ME = 1 << 11,
    VF_CATEGORY_ND = 1 << 12,
    VF_CATEGORY_NL = 1 << 13,
    VF_CATEGORY_NO = 1 << 14,
    VF_CATEGORY_PC = 1 << 15,
    VF_CATEGORY_PD = 1 << 16,
    VF_CATEGORY_PS = 1 << 17,
    VF_CATEGORY_PE = 1 << 18,
    VF_CATEGORY_PI = 1 << 19,
    VF_CATEGORY_PF = 1 << 20,
    VF_CATEGORY_PO = 1 << 21,
    VF_CATEGORY_SM = 1 << 22,
    VF_CATEGORY_SC = 1 << 23,
    VF_CATEGORY_SK = 1 << 24,
    VF_CATEGORY_SO = 1 << 25,
    VF_CATEGORY_ZS = 1 << 26,
    VF_CATEGORY_ZL = 1 << 27,
    VF_CATEGORY_ZP = 1 << 28
};

#define VF_CATEGORY_L                                                                              \
    (VF_CATEGORY_LU | VF_CATEGORY_LL | VF_CATEGORY_LT | VF_CATEGORY_LM | VF_CATEGORY_LO)
#define VF_CATEGORY_N (VF_CATEGORY_ND | VF_CATEGORY_NL | VF_CATEGORY_NO)

/* The bits that a name ("L", "Lu") stands for, 0 when there is no such category. */
uint32_t vf_category_mask(const char *name, size_t n);

/* Runs of code points of one category, in order and without gaps. */
size_t vf_category_runs(void);

/* First and last code point of run `i`, and the bit of its category. */
uint32_t vf_category_run(size_t i, uint32_t *ret_first, uint32_t *ret_last);

#endif
