/* wordpiece.c - WordPiece encoding: the longest piece that starts the word, then the longest that continues it with the prefix ("##"), and
 * so on; a word that cannot be finished is one unk, and so is one of too many characters. */
#include "text/tokenizer/tokenizer_internal.h"

#include <string.h>

void wordpiece_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    size_t n_prefix = tok->prefix ? strlen(tok->prefix) : 0;
    int64_t first = out->n;
    bool whole = utf8_count(piece.bytes, piece.n) <= tok->max_word_chars;
    char *text = encode_scratch_model(scratch, whole ? n_prefix + piece.n + 1 : 1);
    if (whole && n_prefix)
        memcpy(text, tok->prefix, n_prefix);
    for (size_t begin = 0; whole && begin < piece.n;) {
        size_t lead = begin ? n_prefix : 0, end = piece.n;
        memcpy(text + lead, piece.bytes + begin, piece.n - begin);
        int32_t id = -1;
        for (; end > begin; end--) {
            if (end < piece.n && ((unsigned char)piece.bytes[end] & 0xC0) == 0x80)
                continue;
            id = tokenizer_find_model(tok, text, lead + end - begin);
            if (id >= 0)
                break;
        }
        if (id < 0)
            whole = false;
        else
            token_buffer_push(out, id, begin, end);
        if (begin == 0 && whole && n_prefix)
            memcpy(text, tok->prefix, n_prefix);
        begin = end;
    }
    if (!whole) {
        out->n = first;
        if (tok->unk_id >= 0)
            token_buffer_push(out, tok->unk_id, 0, piece.n);
    }
}
