/* split_plain.c - see split_plain.h. */
#include "text/unicode/split_plain.h"

#include <string.h>

/* What a byte is. A LEAD before a TAIL begins a character of several bytes; alone, both are others. */
enum { UPPER, LOWER, DIGIT, SPACE, BLANK, NEWLINE, OTHER, SLASH, APOSTROPHE, N_KINDS, KIND = 15, LEAD = 0x40, TAIL = 0x80 };
/* What is open: nothing, a word in its capitals (only where case counts), a word, one to three digits, one other character that may begin a word, others,
 * newlines behind others, a space, other white space, newlines. */
enum { START, CAPITALS, WORD, DIGITS, DIGITS_2, DIGITS_3, ONE_OTHER, OTHERS, OTHERS_NEWLINE, ONE_SPACE, ONE_BLANK, NEWLINES, N_STATES, STATE = 15, CUT = 0x40, STOP = 0x80 };

static bool is_letter(int kind)
{
    return kind == UPPER || kind == LOWER;
}

static bool is_white(int kind)
{
    return kind == SPACE || kind == BLANK || kind == NEWLINE;
}

static bool is_other(int kind)
{
    return kind == OTHER || kind == SLASH || kind == APOSTROPHE;
}

static uint8_t word_from(SplitKind pattern, int kind)
{
    return pattern == SPLIT_O200K && kind == UPPER ? CAPITALS : WORD;
}

/* What a byte opens. Only o200k has no contractions of their own. */
static uint8_t open_by(SplitKind pattern, int kind)
{
    switch (kind) {
    case UPPER:
    case LOWER: return word_from(pattern, kind);
    case DIGIT: return DIGITS;
    case SPACE: return ONE_SPACE;
    case BLANK: return ONE_BLANK;
    case NEWLINE: return NEWLINES;
    case APOSTROPHE: return pattern == SPLIT_O200K ? ONE_OTHER : STOP;
    default: return ONE_OTHER;
    }
}

/* The state in which a byte goes on with what is open; START when it does not, STOP when more must be known. */
static uint8_t goes_on(SplitKind pattern, int state, int kind)
{
    bool is_gpt2 = pattern == SPLIT_GPT2, is_cased = pattern == SPLIT_O200K;
    switch (state) {
    case CAPITALS:
    case WORD:
        if (is_cased && kind == APOSTROPHE)
            return STOP;
        if (!is_letter(kind) || (is_cased && state == WORD && kind == UPPER))
            return START;
        return word_from(pattern, kind);
    case DIGITS:
    case DIGITS_2:
    case DIGITS_3:
        if (kind != DIGIT)
            return START;
        if (is_gpt2)
            return DIGITS;
        return pattern == SPLIT_QWEN || state == DIGITS_3 ? START : (uint8_t)(state + 1);
    case ONE_OTHER:
    case OTHERS:
        if (is_other(kind))
            return OTHERS;
        if (kind == NEWLINE && !is_gpt2)
            return OTHERS_NEWLINE;
        return state == ONE_OTHER && is_letter(kind) && !is_gpt2 ? word_from(pattern, kind) : START;
    case OTHERS_NEWLINE:
        return kind == NEWLINE || (kind == SLASH && is_cased) ? OTHERS_NEWLINE : START;
    case ONE_SPACE:
    case ONE_BLANK:
        if (is_white(kind))
            return STOP;
        if (is_letter(kind) && (state == ONE_SPACE || !is_gpt2))
            return word_from(pattern, kind);
        if (state == ONE_SPACE && is_other(kind))
            return OTHERS;
        return state == ONE_SPACE && kind == DIGIT && is_gpt2 ? DIGITS : START;
    case NEWLINES:
        if (kind == NEWLINE && !is_gpt2)
            return NEWLINES;
        return is_white(kind) ? STOP : START;
    default:
        return START;
    }
}

static int kind_of(const CharClasses *table, int byte)
{
    uint8_t c = byte < 0x80 ? char_class(table, (uint32_t)byte) : 0;
    if (c & CHAR_ANY_LETTER)
        return c & CHAR_UPPER ? UPPER : LOWER;
    if (c & CHAR_NUMBER)
        return DIGIT;
    if (c & CHAR_SPACE)
        return c & CHAR_NEWLINE ? NEWLINE : byte == ' ' ? SPACE : BLANK;
    return byte == '/' ? SLASH : byte == '\'' ? APOSTROPHE : OTHER;
}

void split_plain_init(SplitPlain *plain, SplitKind kind, const CharClasses *table)
{
    memset(plain, 0, sizeof *plain);
    for (int byte = 0; byte < 256; byte++) {
        int flag = byte >= 0xC2 && byte <= 0xF4 ? LEAD : byte >= 0x80 && byte < 0xC0 ? TAIL : 0;
        plain->kind_of[byte] = (uint8_t)(kind_of(table, byte) | flag);
    }
    for (int state = START; state < N_STATES; state++)
        for (int k = 0; k < N_KINDS; k++) {
            uint8_t next = goes_on(kind, state, k);
            if (next == START)
                next = open_by(kind, k) | (state == START ? 0 : CUT);
            plain->steps[state][k] = next;
        }
}

int split_plain(const SplitPlain *plain, const char *text, size_t at, size_t limit, size_t *ends, int n_max)
{
    int n = 0;
    uint8_t state = START, now = plain->kind_of[(unsigned char)text[at]];
    for (; at < limit && n < n_max; at++) {
        uint8_t next = plain->kind_of[(unsigned char)text[at + 1]];
        if (now << 1 & next & TAIL)
            break;
        uint8_t step = plain->steps[state][now & KIND];
        ends[n] = at;
        n += step / CUT & 1;
        if (step & STOP)
            break;
        state = step & STATE;
        now = next;
    }
    return n;
}
