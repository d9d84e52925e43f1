/* langid_letters.c - scripts and cases by ICU, words, hashed runs. */
#include "text/corpus/langid_letters.h"

#include "text/corpus/hash.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <string.h>

static int script_of(uint32_t c)
{
    if (c == '\'' || c == 0x2019 || c == 0x200C || c == 0x200D)
        return LANGID_ANY_SCRIPT;
    if (!char_is_letter(c) && !char_is_mark(c))
        return LANGID_NO_LETTER;
    int script = char_script(c);
    if (script == SCRIPT_HIRAGANA || script == SCRIPT_KATAKANA || script == SCRIPT_BOPOMOFO || c == 0x30FC || c == 0xFF70)
        return SCRIPT_HAN;
    return script <= SCRIPT_INHERITED || script >= LANGID_SCRIPTS ? LANGID_ANY_SCRIPT : script;
}

void langid_letters_init(LangidLetters *letters)
{
    for (uint32_t c = 0; c < 1 << 16; c++) {
        uint32_t lower = c == 0x2019 ? '\'' : char_lower(c);
        letters->script[c] = (uint8_t)script_of(c);
        letters->lower[c] = (uint16_t)(lower < 1 << 16 ? lower : c);
    }
}

int langid_script_find(const char *name)
{
    for (int script = LANGID_ANY_SCRIPT + 1; script < LANGID_SCRIPTS; script++) {
        const char *known = char_script_name(script);
        if (known && strcmp(known, name) == 0)
            return script;
    }
    return -1;
}

static inline int decode(const LangidLetters *letters, uint32_t *c, const char **at, const char *end)
{
    *at += utf8_decode(c, *at, end);
    if (*c < 1 << 16)
        return letters->script[*c];
    return *c >= 0x20000 && *c < 0x40000 ? SCRIPT_HAN : LANGID_NO_LETTER;
}

void langid_count(const LangidLetters *letters, LangidCount *count, const char *text, size_t n_bytes)
{
    static const char symbols[] = "{}[]()<>=;_/\\|#$*&+";
    bool is_symbol[128] = {false};
    for (size_t i = 0; i + 1 < sizeof symbols; i++)
        is_symbol[(int)symbols[i]] = true;
    for (const char *at = text, *end = text + n_bytes; at < end; count->n_chars++) {
        uint32_t c = (unsigned char)*at;
        if (c < 0x80) {
            at++;
            count->letters[letters->script[c]]++;
            count->n_symbols += is_symbol[c];
            continue;
        }
        count->letters[decode(letters, &c, &at, end)]++;
        count->kana += c >= 0x3040 && c <= 0x30FF;
    }
}

static uint32_t feature_of(uint64_t hash)
{
    hash *= 0x9FB21C651E98DF25u;
    uint32_t feature = (uint32_t)(hash >> 32);
    return feature ? feature : 1;
}

/* `word` begins and ends with a blank; a blank alone is no feature. */
int langid_word_features(uint32_t features[LANGID_WORD_FEATURES_MAX], int script, const uint32_t *word, int n)
{
    int n_features = 0;
    for (int begin = 0; begin < n - 1; begin++) {
        uint64_t hash = (uint64_t)script * 0x2545F4914F6CDD1Du;
        int n_run = n - begin < LANGID_RUN_MAX ? n - begin : LANGID_RUN_MAX;
        for (int k = 0; k < n_run; k++) {
            hash = (hash ^ word[begin + k]) * 0x9E3779B97F4A7C15u;
            hash ^= hash >> 30;
            if (begin + k > 0)
                features[n_features++] = feature_of(hash);
        }
    }
    uint32_t whole = feature_of(hash64(word, (size_t)n * sizeof *word, (uint64_t)script));
    for (int i = 0; i < LANGID_WORD_TIMES && n > 3; i++)
        features[n_features++] = whole;
    return n_features;
}

int langid_next_word(const LangidLetters *letters, int script, const char **at, const char *end, uint32_t word[LANGID_WORD_MAX])
{
    uint32_t c;
    while (*at < end) {
        const char *here = *at;
        if (decode(letters, &c, &here, end) == script)
            break;
        *at = here;
    }
    int n = 0;
    word[n++] = ' ';
    while (*at < end && n < LANGID_WORD_MAX - 1) {
        const char *here = *at;
        int its = decode(letters, &c, &here, end);
        if (its != script && its != LANGID_ANY_SCRIPT)
            break;
        word[n++] = c < 1 << 16 ? letters->lower[c] : c;
        *at = here;
    }
    if (n == 1)
        return 0;
    while (n > 2 && word[n - 1] == '\'')
        n--;
    word[n++] = ' ';
    return n;
}

int langid_next_features(const LangidLetters *letters, int script, const char **at, const char *end, uint32_t features[LANGID_WORD_FEATURES_MAX])
{
    uint32_t word[LANGID_WORD_MAX];
    int n = langid_next_word(letters, script, at, end, word);
    return n > 0 ? langid_word_features(features, script, word, n) : 0;
}
