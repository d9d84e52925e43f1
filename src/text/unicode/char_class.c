/* char_class.c - see char_class.h. */
#include "text/unicode/char_class.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

typedef struct {
    uint32_t first, last;
    uint8_t class_bits;
} ClassRange;

/* Letters, marks and numbers that Unicode 15.1 and 16.0 assigned (DerivedGeneralCategory.txt). */
static const ClassRange added_in_16[] = {
    {0x897, 0x897, CHAR_MARK}, {0x1C89, 0x1C89, CHAR_UPPER}, {0x1C8A, 0x1C8A, CHAR_LOWER},
    {0xA7CB, 0xA7CC, CHAR_UPPER}, {0xA7CD, 0xA7CD, CHAR_LOWER}, {0xA7DA, 0xA7DA, CHAR_UPPER},
    {0xA7DB, 0xA7DB, CHAR_LOWER}, {0xA7DC, 0xA7DC, CHAR_UPPER}, {0x105C0, 0x105F3, CHAR_LETTER},
    {0x10D40, 0x10D49, CHAR_NUMBER}, {0x10D4A, 0x10D4F, CHAR_LETTER}, {0x10D50, 0x10D65, CHAR_UPPER},
    {0x10D69, 0x10D6D, CHAR_MARK}, {0x10D6F, 0x10D6F, CHAR_LETTER}, {0x10D70, 0x10D85, CHAR_LOWER},
    {0x10EC2, 0x10EC4, CHAR_LETTER}, {0x10EFC, 0x10EFC, CHAR_MARK}, {0x11380, 0x11389, CHAR_LETTER},
    {0x1138B, 0x1138B, CHAR_LETTER}, {0x1138E, 0x1138E, CHAR_LETTER}, {0x11390, 0x113B5, CHAR_LETTER},
    {0x113B7, 0x113B7, CHAR_LETTER}, {0x113B8, 0x113C0, CHAR_MARK}, {0x113C2, 0x113C2, CHAR_MARK},
    {0x113C5, 0x113C5, CHAR_MARK}, {0x113C7, 0x113CA, CHAR_MARK}, {0x113CC, 0x113D0, CHAR_MARK},
    {0x113D1, 0x113D1, CHAR_LETTER}, {0x113D2, 0x113D2, CHAR_MARK}, {0x113D3, 0x113D3, CHAR_LETTER},
    {0x113E1, 0x113E2, CHAR_MARK}, {0x116D0, 0x116E3, CHAR_NUMBER}, {0x11BC0, 0x11BE0, CHAR_LETTER},
    {0x11BF0, 0x11BF9, CHAR_NUMBER}, {0x11F5A, 0x11F5A, CHAR_MARK}, {0x13460, 0x143FA, CHAR_LETTER},
    {0x16100, 0x1611D, CHAR_LETTER}, {0x1611E, 0x1612F, CHAR_MARK}, {0x16130, 0x16139, CHAR_NUMBER},
    {0x16D40, 0x16D6C, CHAR_LETTER}, {0x16D70, 0x16D79, CHAR_NUMBER}, {0x18CFF, 0x18CFF, CHAR_LETTER},
    {0x1CCF0, 0x1CCF9, CHAR_NUMBER}, {0x1E5D0, 0x1E5ED, CHAR_LETTER}, {0x1E5EE, 0x1E5EF, CHAR_MARK},
    {0x1E5F0, 0x1E5F0, CHAR_LETTER}, {0x1E5F1, 0x1E5FA, CHAR_NUMBER}, {0x2EBF0, 0x2EE5D, CHAR_LETTER},
};

static uint8_t class_of_category(UChar32 c)
{
    uint32_t mask = U_GET_GC_MASK(c);
    if (mask & (U_GC_LU_MASK | U_GC_LT_MASK))
        return CHAR_UPPER;
    if (mask & U_GC_LL_MASK)
        return CHAR_LOWER;
    if (mask & (U_GC_LM_MASK | U_GC_LO_MASK))
        return CHAR_LETTER;
    if (mask & U_GC_M_MASK)
        return CHAR_MARK;
    return mask & U_GC_N_MASK ? CHAR_NUMBER : 0;
}

typedef struct {
    uint8_t *flat;
    int unicode_version;
} Filling;

/* One run of code points of a category, from ICU's enumeration. */
static UBool fill_range(const void *context, UChar32 start, UChar32 limit, UCharCategory category)
{
    const Filling *fill = context;
    uint8_t bits = class_of_category(start);
    if (bits == 0 || category == U_UNASSIGNED)
        return 1;
    memset(fill->flat + start, bits, (size_t)(limit - start));
    if (fill->unicode_version >= 15)
        return 1;
    for (UChar32 c = start; c < limit; c++) {
        UVersionInfo age;
        u_charAge(c, age);
        if (age[0] > fill->unicode_version)
            fill->flat[c] = 0;
    }
    return 1;
}

static void fill_white_space(uint8_t *flat)
{
    static const uint16_t spaces[] = {0x09, 0x0B, 0x0C, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        flat[spaces[i]] = CHAR_SPACE;
    for (int c = 0x2000; c <= 0x200A; c++)
        flat[c] = CHAR_SPACE;
    flat['\r'] = flat['\n'] = CHAR_SPACE | CHAR_NEWLINE;
}

void char_classes_init(CharClasses *table, int unicode_version)
{
    uint8_t *flat = mem_alloc(UNICODE_MAX + 1);
    Filling fill = {flat, unicode_version};
    u_enumCharTypes(fill_range, &fill);
    if (unicode_version >= 16)
        for (size_t i = 0; i < sizeof added_in_16 / sizeof added_in_16[0]; i++)
            memset(flat + added_in_16[i].first, added_in_16[i].class_bits, added_in_16[i].last - added_in_16[i].first + 1);
    fill_white_space(flat);

    table->classes = mem_alloc(CHAR_CLASS_BLOCK * 1024);
    size_t n_kept = 0, capacity = 1024;
    for (size_t b = 0; b < CHAR_CLASS_N_BLOCKS; b++) {
        const uint8_t *block = flat + b * CHAR_CLASS_BLOCK;
        bool repeats = b > 0 && memcmp(block, block - CHAR_CLASS_BLOCK, CHAR_CLASS_BLOCK) == 0;
        size_t k = repeats ? table->block[b - 1] : 0;
        while (!repeats && k < n_kept && memcmp(table->classes + k * CHAR_CLASS_BLOCK, block, CHAR_CLASS_BLOCK) != 0)
            k++;
        if (k == n_kept) {
            if (n_kept == capacity)
                table->classes = mem_realloc(table->classes, CHAR_CLASS_BLOCK * (capacity *= 2));
            memcpy(table->classes + n_kept++ * CHAR_CLASS_BLOCK, block, CHAR_CLASS_BLOCK);
        }
        table->block[b] = (uint16_t)k;
    }
    free(flat);
}

void char_classes_release(CharClasses *table)
{
    free(table->classes);
    table->classes = NULL;
}
