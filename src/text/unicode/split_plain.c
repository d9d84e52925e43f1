/* split_plain.c - see split_plain.h. */
#include "text/unicode/split_plain.h"

#include <string.h>

/* What a character is. Of bytes, a LEAD before a TAIL may begin one of several bytes; alone, both are others. */
enum { UPPER, LOWER, CASELESS, MARK, DIGIT, SPACE, BLANK, NEWLINE, OTHER, SLASH, APOSTROPHE, N_KINDS, KIND = 15, LEAD = 0x40, TAIL = 0x80 };
/* What is open: nothing, a word, one to three digits, one other character that may begin a word, others, newlines behind others, a space, other white space,
 * newlines; and, where case counts, a word of capitals, one of them and caseless characters that ends with such, and one with capitals behind the last such.
 * That one is cut behind the caseless character, KEEP says at which place that is, when no small letter comes: at its end there are TWO cuts. */
enum { START, WORD, DIGITS, DIGITS_2, DIGITS_3, ONE_OTHER, OTHERS, OTHERS_NEWLINE, ONE_SPACE, ONE_BLANK, NEWLINES, CAPITALS, UNSURE, UNSURE_CAPITALS, N_STATES };
enum { STATE = 15, KEEP = 0x10, TWO = 0x20, CUT = 0x40, STOP = 0x80 };

static bool is_letter(SplitKind pattern, int kind)
{
    return kind == UPPER || kind == LOWER || kind == CASELESS || (kind == MARK && pattern == SPLIT_O200K);
}

static bool is_white(int kind)
{
    return kind == SPACE || kind == BLANK || kind == NEWLINE;
}

static bool is_other(int kind)
{
    return kind == OTHER || kind == SLASH || kind == APOSTROPHE || kind == MARK;
}

static uint8_t word_from(SplitKind pattern, int kind)
{
    if (pattern != SPLIT_O200K || kind == LOWER)
        return WORD;
    return kind == UPPER ? CAPITALS : UNSURE;
}

/* The same within a word where case counts. */
static uint8_t word_goes_on(int state, int kind)
{
    bool is_small = state == WORD, is_upper = kind == UPPER;
    if (is_upper)
        return is_small ? START : state == CAPITALS ? CAPITALS : state == UNSURE ? UNSURE_CAPITALS | KEEP : UNSURE_CAPITALS;
    return is_small || kind == LOWER ? WORD : UNSURE;
}

/* What a character opens. Only o200k has no contractions of their own. */
static uint8_t open_by(SplitKind pattern, int kind)
{
    switch (kind) {
    case UPPER:
    case LOWER:
    case CASELESS: return word_from(pattern, kind);
    case MARK: return pattern == SPLIT_O200K ? STOP : ONE_OTHER;
    case DIGIT: return DIGITS;
    case SPACE: return ONE_SPACE;
    case BLANK: return ONE_BLANK;
    case NEWLINE: return NEWLINES;
    case APOSTROPHE: return pattern == SPLIT_O200K ? ONE_OTHER : STOP;
    default: return ONE_OTHER;
    }
}

/* The state in which a character goes on with what is open; START when it does not, STOP when more must be known. */
static uint8_t goes_on(SplitKind pattern, int state, int kind)
{
    bool is_gpt2 = pattern == SPLIT_GPT2, is_cased = pattern == SPLIT_O200K;
    switch (state) {
    case CAPITALS:
    case UNSURE:
    case UNSURE_CAPITALS:
    case WORD:
        if (is_cased && kind == APOSTROPHE)
            return STOP;
        if (!is_letter(pattern, kind))
            return START;
        return is_cased ? word_goes_on(state, kind) : WORD;
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
        if (state == ONE_OTHER && is_letter(pattern, kind) && !is_gpt2)
            return word_from(pattern, kind);
        if (is_other(kind))
            return OTHERS;
        return kind == NEWLINE && !is_gpt2 ? OTHERS_NEWLINE : START;
    case OTHERS_NEWLINE:
        return kind == NEWLINE || (kind == SLASH && is_cased) ? OTHERS_NEWLINE : START;
    case ONE_SPACE:
    case ONE_BLANK:
        if (is_white(kind))
            return STOP;
        if (is_letter(pattern, kind) && (state == ONE_SPACE || !is_gpt2))
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

static int kind_of_class(uint8_t c)
{
    if (c & CHAR_ANY_LETTER)
        return c & CHAR_UPPER ? UPPER : c & CHAR_LOWER ? LOWER : CASELESS;
    if (c & CHAR_SPACE)
        return c & CHAR_NEWLINE ? NEWLINE : BLANK;
    return c & CHAR_NUMBER ? DIGIT : c & CHAR_MARK ? MARK : OTHER;
}

static int kind_of_byte(const CharClasses *table, int byte)
{
    switch (byte) {
    case ' ': return SPACE;
    case '/': return SLASH;
    case '\'': return APOSTROPHE;
    default: return kind_of_class(byte < 0x80 ? char_class(table, (uint32_t)byte) : 0);
    }
}

static uint8_t step_of(SplitKind pattern, int state, int kind)
{
    uint8_t next = goes_on(pattern, state, kind);
    if (next != START || state == START)
        return next == START ? open_by(pattern, kind) : next;
    return open_by(pattern, kind) | (state == UNSURE_CAPITALS ? CUT | TWO : CUT);
}

void split_plain_init(SplitPlain *plain, SplitKind kind, const CharClasses *table)
{
    memset(plain, 0, sizeof *plain);
    plain->table = table;
    for (int byte = 0; byte < 256; byte++) {
        int flag = byte >= 0xC2 && byte <= 0xF4 ? LEAD : byte >= 0x80 && byte < 0xC0 ? TAIL : 0;
        plain->kind_of[byte] = (uint8_t)(kind_of_byte(table, byte) | flag);
        plain->kind_of_class[byte] = (uint8_t)kind_of_class((uint8_t)byte);
    }
    for (int state = START; state < N_STATES; state++)
        for (int k = 0; k < N_KINDS; k++)
            plain->steps[state][k] = step_of(kind, state, k);
}

int split_plain(const SplitPlain *plain, const char *text, size_t n_bytes, size_t at, size_t limit, size_t *ends, int n_max)
{
    int n = 0;
    uint8_t state = START;
    size_t kept = at, next;
    for (; at < limit && n + SPLIT_PLAIN_ENDS <= n_max; at = next) {
        uint8_t kind = plain->kind_of[(unsigned char)text[at]];
        next = at + 1;
        if (kind << 1 & plain->kind_of[(unsigned char)text[next]] & TAIL) {
            uint32_t c;
            next = at + (size_t)utf8_decode_quick(&c, text + at, text + n_bytes);
            kind = plain->kind_of_class[char_class(plain->table, c)];
        }
        uint8_t step = plain->steps[state][kind & KIND];
        ends[n] = kept;
        n += step / TWO & 1;
        ends[n] = at;
        n += step / CUT & 1;
        if (step & STOP)
            break;
        kept = step & KEEP ? at : kept;
        state = step & STATE;
    }
    return n;
}
