/* faults.c - what may be wrong between the ids, the tokens and the merges of a BPE model. */
#include "text/tokenizer/tokenizer_ranks.h"
#include "text/tokenizer/byte_level.h"

#include <stdlib.h>
#include <string.h>

/* The start symbol of one character of a token's text, dressed as in the text's first or last place; -1: none. */
static int32_t start_symbol(const Tokenizer *tok, const char *at, size_t n, bool last)
{
    if (tok->byte_level) {
        uint32_t c;
        utf8_decode(&c, at, at + n);
        int byte = byte_level_byte(c);
        int jamo = tok->jamo && byte < 0 ? hangul_jamo_number(c) : -1;
        return byte >= 0 ? (last ? tok->last_byte_id : tok->byte_id)[byte] : jamo >= 0 ? tok->jamo_id[jamo] : -1;
    }
    int32_t id = tokenizer_find_model(tok, at, n);
    if (id < 0 && tok->by_pieces) {
        id = vocab_find(&tok->phantoms, at, n);
        id = id < 0 ? -1 : tok->vocab.n_ids + id;
    }
    return id;
}

static int32_t dressed(const Tokenizer *tok, const char *at, size_t n, bool first, bool last, bool has_suffix)
{
    bool prefix = !first && tok->prefix && *tok->prefix, suffix = last && has_suffix;
    if (tok->byte_level || (!prefix && !suffix))
        return start_symbol(tok, at, n, suffix);
    char text[512];
    size_t n_prefix = prefix ? strlen(tok->prefix) : 0, n_suffix = suffix ? strlen(tok->suffix) : 0;
    if (n_prefix + n + n_suffix > sizeof text)
        return -1;
    memcpy(text, tok->prefix ? tok->prefix : "", n_prefix);
    memcpy(text + n_prefix, at, n);
    memcpy(text + n_prefix + n, tok->suffix ? tok->suffix : "", n_suffix);
    return start_symbol(tok, text, n_prefix + n + n_suffix, last);
}

/* Start symbols of a token; the number written, 0 when a character of it has none. */
static size_t symbols_of(const Tokenizer *tok, const char *text, size_t n, BpeSymbol *symbols)
{
    size_t n_suffix = tok->suffix ? strlen(tok->suffix) : 0, n_prefix = tok->prefix ? strlen(tok->prefix) : 0, n_symbols = 0;
    bool has_suffix = n_suffix && n > n_suffix && memcmp(text + n - n_suffix, tok->suffix, n_suffix) == 0;
    bool has_prefix = n_prefix && n > n_prefix && memcmp(text, tok->prefix, n_prefix) == 0;
    size_t end = n - (has_suffix ? n_suffix : 0);
    for (size_t at = has_prefix ? n_prefix : 0; at < end;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, text + at, text + end);
        int32_t id = dressed(tok, text + at, length, at == 0, at + length == end, has_suffix);
        if (id < 0)
            return 0;
        symbols[n_symbols++] = (BpeSymbol){id, (uint32_t)at, (uint32_t)(at + length)};
        at += length;
    }
    return n_symbols;
}

/* Whether merging the token's own start symbols gives the token. Inside a longer text the same merges happen in the same order as long as none
 * reaches across its ends, so a token that fails here is never reached. */
static bool is_mergeable(const Tokenizer *tok, BpeScratch *scratch, BpeSymbol *symbols, int32_t id, const char *text, size_t n)
{
    for (int b = 0; b < 256 && tok->byte_fallback; b++)
        if (tok->byte_id[b] == id)
            return true;
    for (int jamo = 0; jamo < HANGUL_N_JAMO && tok->jamo_fallback; jamo++)
        if (tok->jamo_id[jamo] == id)
            return true;
    size_t n_symbols = symbols_of(tok, text, n, symbols);
    return n_symbols > 0 && bpe_merge(&tok->merges, scratch, symbols, n_symbols) == 1 && symbols[0].id == id;
}

static void find_divergence(const Tokenizer *tok, TokenizerFaults *faults)
{
    int32_t highest = -1;
    for (int64_t i = 0; i < tok->n_rules; i++) {
        int32_t id = tok->rules[i].merged;
        if (id < highest) {
            faults->n_diverging++;
            if (faults->first_diverging < 0)
                faults->first_diverging = id;
        } else
            highest = id;
    }
}

void tokenizer_find_faults(const Tokenizer *tok, TokenizerFaults *faults)
{
    *faults = (TokenizerFaults){.first_diverging = -1, .first_unmergeable = -1};
    if (tok->model != MODEL_BPE)
        return;
    find_divergence(tok, faults);
    BpeScratch scratch = {0};
    BpeSymbol *symbols = NULL;
    size_t n_max = 0;
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (!text || id == tok->unk_id || tokenizer_is_special(tok, id) || tokenizer_is_added_only(tok, id))
            continue;
        if (n > n_max) {
            n_max = n * 2;
            symbols = mem_realloc(symbols, n_max * sizeof *symbols);
        }
        if (is_mergeable(tok, &scratch, symbols, id, text, n))
            continue;
        if (tok->ignore_merges) {
            faults->n_bypassed++;
            continue;
        }
        faults->n_unmergeable++;
        if (faults->first_unmergeable < 0)
            faults->first_unmergeable = id;
    }
    free(symbols);
    bpe_scratch_release(&scratch);
}
