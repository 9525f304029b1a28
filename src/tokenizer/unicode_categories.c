#include "tokenizer/unicode_categories.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define END_OF_CODE_POINTS 0x110000u

/* clang-format off */
/* In the order of the bits of enum vf_category. */
enum category {
    CN, CC, CF, CO, LU, LL, LT, LM, LO, MN, MC, ME, ND, NL, NO,
    PC, PD, PS, PE, PI, PF, PO, SM, SC, SK, SO, ZS, ZL, ZP
};
/* clang-format on */

static const char names[][3] = {"Cn", "Cc", "Cf", "Co", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc",
    "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs",
    "Zl", "Zp"};

struct category_run {
    uint32_t first : 24;
    uint32_t category : 8;
};

#include "tokenizer/unicode_categories.inc"

uint32_t vf_category_mask(const char *name, size_t n)
{
    uint32_t mask = 0;
    if (n == 1 || n == 2)
        for (size_t i = 0; i < COUNT(names); i++)
            if (memcmp(name, names[i], n) == 0)
                mask |= 1u << i;
    return mask;
}

size_t vf_category_runs(void)
{
    return COUNT(category_runs);
}

uint32_t vf_category_run(size_t i, uint32_t *ret_first, uint32_t *ret_last)
{
    *ret_first = category_runs[i].first;
    uint32_t next = END_OF_CODE_POINTS;
    if (i + 1 < COUNT(category_runs))
        next = category_runs[i + 1].first;
    *ret_last = next - 1;
    return 1u << category_runs[i].category;
}
