/* wordpiece.c - WordPiece encoding: the longest piece that starts the word, then the longest that continues it with the prefix ("##"), and
 * so on; a word that cannot be finished is one unk, and so is one of too many characters. */
#include "text/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

void wordpiece_make_fast(const Tokenizer *tok, ModelFast *fast)
{
    size_t n_prefix = tok->prefix ? strlen(tok->prefix) : 0, n_first = 0, n_more = 0;
    fast->tokens_are_text = true;
    TrieKey *first = mem_alloc((size_t)tok->vocab.n_ids * sizeof *first), *more = mem_alloc((size_t)tok->vocab.n_ids * sizeof *more);
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        if (!text || tokenizer_find_model(tok, text, n) != id)
            continue;
        fast->tokens_are_text &= utf8_is_valid(text, n);
        first[n_first++] = (TrieKey){text, n, id};
        if (n >= n_prefix && memcmp(text, tok->prefix ? tok->prefix : "", n_prefix) == 0)
            more[n_more++] = (TrieKey){text + n_prefix, n - n_prefix, id};
    }
    trie_build(&fast->first, first, n_first);
    trie_build(&fast->more, more, n_more);
    free(first);
    free(more);
}

/* The longest token at `begin` that ends between characters, -1 when there is none. */
static int32_t longest_at(const Trie *trie, Piece piece, size_t begin, size_t *end)
{
    TrieNode node = trie_root(trie);
    int32_t longest = -1;
    for (size_t at = begin; at < piece.n && trie_step(trie, &node, (unsigned char)piece.bytes[at]); at++)
        if (trie_value(node) >= 0 && (at + 1 == piece.n || ((unsigned char)piece.bytes[at + 1] & 0xC0) != 0x80)) {
            longest = trie_value(node);
            *end = at + 1;
        }
    return longest;
}

void wordpiece_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    (void)scratch;
    const ModelFast *fast = model_fast(tok);
    int64_t first = out->n;
    bool whole = (int64_t)piece.n <= tok->max_word_chars || utf8_count(piece.bytes, piece.n) <= tok->max_word_chars;
    for (size_t begin = 0, end; whole && begin < piece.n; begin = end) {
        int32_t id = longest_at(begin ? &fast->more : &fast->first, piece, begin, &end);
        whole = id >= 0;
        if (!whole)
            break;
        token_buffer_push(out, id, begin, end);
    }
    if (!whole) {
        out->n = first;
        if (tok->unk_id >= 0)
            token_buffer_push(out, tok->unk_id, 0, piece.n);
    }
}
