/* charset.c - guessing and converting, by iconv. */
#include "text/corpus/charset.h"

#include "text/unicode/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

enum { SAMPLE_BYTES = 1 << 16 };

/* Names that pages use, and what iconv calls them. */
static const char *canonical(const char *name)
{
    static const char *const aliases[][2] = {
        {"utf8", "utf-8"}, {"utf-8", "utf-8"}, {"unicode-1-1-utf-8", "utf-8"}, {"euc-kr", "cp949"}, {"euckr", "cp949"}, {"ks_c_5601-1987", "cp949"},
        {"ksc5601", "cp949"}, {"ks_c_5601", "cp949"}, {"korean", "cp949"}, {"cp949", "cp949"}, {"ms949", "cp949"}, {"windows-949", "cp949"},
        {"uhc", "cp949"}, {"shift_jis", "cp932"}, {"shift-jis", "cp932"}, {"sjis", "cp932"}, {"x-sjis", "cp932"}, {"windows-31j", "cp932"},
        {"euc-jp", "euc-jp"}, {"gb2312", "gb18030"}, {"gbk", "gb18030"}, {"gb18030", "gb18030"}, {"big5", "big5-hkscs"}, {"iso-8859-1", "cp1252"},
        {"latin1", "cp1252"}, {"windows-1252", "cp1252"}, {"cp1252", "cp1252"}, {"us-ascii", "cp1252"}, {"ascii", "cp1252"},
        {"utf-16", "utf-16le"}, {"utf-16le", "utf-16le"}, {"utf-16be", "utf-16be"},
    };
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(name, aliases[i][0]) == 0)
            return aliases[i][1];
    return strncmp(name, "iso-8859-", 9) == 0 || strncmp(name, "windows-12", 10) == 0 || strncmp(name, "koi8-", 5) == 0 ? name : "";
}

/* How well two-byte pairs fit an encoding, in [0, 1]: common letters count whole, others half, rare ones not, ill-formed ones
 * against. */
enum { PAIR_SINGLE = 0, PAIR_ILL_FORMED = -1, PAIR_VALID = 1, PAIR_COMMON = 2, PAIR_RARE = 3 };  /* single: lead stands alone */
typedef struct {
    const char *name;
    int (*pair)(unsigned char lead, unsigned char trail);  /* a Pair */
} Guess;

static int pair_cp949(unsigned char lead, unsigned char trail)
{
    if (lead < 0x81 || lead == 0xFF)
        return lead < 0x80 ? PAIR_SINGLE : PAIR_ILL_FORMED;
    if (lead >= 0xB0 && lead <= 0xC8 && trail >= 0xA1 && trail < 0xFF)
        return PAIR_COMMON;
    if (trail >= 0xA1 && trail < 0xFF)
        return lead >= 0xCA ? PAIR_RARE : PAIR_VALID;  /* Hanja: half of all pairs of a Chinese text would be */
    return lead <= 0xC6 && ((trail >= 'A' && trail <= 'Z') || (trail >= 'a' && trail <= 'z') || trail >= 0x81) ? PAIR_VALID : PAIR_ILL_FORMED;
}

static int pair_cp932(unsigned char lead, unsigned char trail)
{
    if (lead < 0x80)
        return PAIR_SINGLE;
    if (lead >= 0xA1 && lead <= 0xDF)
        return PAIR_SINGLE;  /* half-width kana: rare, and any Korean text is full of these bytes */
    bool is_trail = trail >= 0x40 && trail != 0x7F && trail <= 0xFC;
    if (lead == 0x80 || lead == 0xA0 || lead > 0xFC || !is_trail)
        return PAIR_ILL_FORMED;
    return lead == 0x82 || lead == 0x83 ? PAIR_COMMON : PAIR_VALID;
}

static int pair_euc_jp(unsigned char lead, unsigned char trail)
{
    if (lead < 0x80)
        return PAIR_SINGLE;
    if ((lead != 0x8E && lead < 0xA1) || trail < 0xA1 || trail == 0xFF)
        return PAIR_ILL_FORMED;
    return lead == 0xA4 || lead == 0xA5 ? PAIR_COMMON : PAIR_VALID;
}

static int pair_gb18030(unsigned char lead, unsigned char trail)
{
    if (lead < 0x80)
        return PAIR_SINGLE;
    if (lead == 0x80 || lead == 0xFF || trail < 0x40 || trail == 0x7F || trail == 0xFF)
        return PAIR_ILL_FORMED;
    return lead >= 0xB0 && lead <= 0xD7 && trail >= 0xA1 && lead > 0xC8 ? PAIR_COMMON : PAIR_VALID;
}

static const Guess guesses[] = {{"cp949", pair_cp949}, {"cp932", pair_cp932}, {"euc-jp", pair_euc_jp}, {"gb18030", pair_gb18030}};

static double guess_score(const Guess *guess, const unsigned char *bytes, size_t n)
{
    int64_t n_pairs = 0, sum = 0, n_bad = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        int fit = guess->pair(bytes[i], bytes[i + 1]);
        if (fit == PAIR_SINGLE) {
            n_bad += bytes[i] >= 0x80;
            n_pairs += bytes[i] >= 0x80;
            continue;
        }
        n_pairs++;
        sum += fit == PAIR_VALID || fit == PAIR_COMMON ? fit : 0;
        n_bad += fit < 0;
        i += fit > 0;
    }
    return n_pairs == 0 ? 0.0 : ((double)sum / 2.0 - 4.0 * (double)n_bad) / (double)n_pairs;
}

/* UTF-16 without its mark: every other byte of Latin text is zero. */
static const char *guess_utf16(const unsigned char *bytes, size_t n)
{
    int64_t zeros[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        zeros[i & 1] += bytes[i] == 0;
    int64_t half = (int64_t)(n / 2);
    if (half > 8 && zeros[1] > half / 5 && zeros[0] < half / 50)
        return "utf-16le";
    return half > 8 && zeros[0] > half / 5 && zeros[1] < half / 50 ? "utf-16be" : NULL;
}

const char *charset_guess(const char *text, size_t n_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = n_bytes < SAMPLE_BYTES ? n_bytes : SAMPLE_BYTES;
    const char *best = "cp1252";
    double best_score = 0.35;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        double score = guess_score(&guesses[i], bytes, n);
        if (score > best_score) {
            best_score = score;
            best = guesses[i].name;
        }
    }
    return best;
}

static CharsetText convert(Arena *arena, const char *bytes, size_t n_bytes, const char *charset)
{
    CharsetText result = {.text = "", .charset = charset};
    iconv_t cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1) {
        result.n_bad = INT64_MAX;
        return result;
    }
    size_t room = n_bytes * 3 + 16, left = room;
    char *out = arena_alloc(arena, room + 1), *to = out, *from = (char *)(uintptr_t)bytes;
    while (n_bytes > 0) {
        if (iconv(cd, &from, &n_bytes, &to, &left) != (size_t)-1)
            break;
        if (errno == E2BIG)
            break;  /* three bytes a byte is always enough */
        memcpy(to, "\xef\xbf\xbd", 3);
        to += 3, left -= 3;
        from++, n_bytes--;
        result.n_bad++;
        if (left < 8)
            break;
    }
    iconv_close(cd);
    *to = '\0';
    result.text = out;
    result.n_bytes = (size_t)(to - out);
    return result;
}

CharsetText charset_decode(Arena *arena, const char *bytes, size_t n_bytes, const char *declared, const char *inner)
{
    const unsigned char *head = (const unsigned char *)bytes;
    if (n_bytes >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        bytes += 3, n_bytes -= 3;
    else if (n_bytes >= 2 && head[0] == 0xFF && head[1] == 0xFE)
        return convert(arena, bytes + 2, n_bytes - 2, "utf-16le");
    else if (n_bytes >= 2 && head[0] == 0xFE && head[1] == 0xFF)
        return convert(arena, bytes + 2, n_bytes - 2, "utf-16be");
    if (memchr(bytes, 0x1b, n_bytes) && (strstr(declared, "2022") || strstr(inner, "2022")))
        return convert(arena, bytes, n_bytes, strstr(declared, "kr") || strstr(inner, "kr") ? "iso-2022-kr" : "iso-2022-jp");
    const char *utf16 = guess_utf16((const unsigned char *)bytes, n_bytes < SAMPLE_BYTES ? n_bytes : SAMPLE_BYTES);
    if (utf16)
        return convert(arena, bytes, n_bytes, utf16);
    if (utf8_is_valid(bytes, n_bytes))
        return (CharsetText){.text = bytes, .n_bytes = n_bytes, .charset = "utf-8"};

    const char *names[] = {canonical(declared), canonical(inner), charset_guess(bytes, n_bytes)};
    CharsetText best = {.n_bad = INT64_MAX};
    for (int i = 0; i < 3; i++) {
        if (!names[i][0] || (i == 2 && best.n_bad < (int64_t)(n_bytes / 200)))
            continue;
        CharsetText one;
        if (strcmp(names[i], "utf-8") == 0) {
            one = (CharsetText){.charset = "utf-8"};
            size_t n_out;
            one.text = utf8_repair(arena, bytes, n_bytes, &n_out);
            one.n_bytes = n_out;
            for (const char *at = one.text; (at = memmem(at, (size_t)(one.text + n_out - at), "\xef\xbf\xbd", 3)); at += 3)
                one.n_bad++;
        } else {
            one = convert(arena, bytes, n_bytes, names[i]);
        }
        if (one.n_bad < best.n_bad)
            best = one;
        if (best.n_bad == 0)
            break;
    }
    return best;
}
