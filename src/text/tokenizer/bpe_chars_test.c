/* bpe_chars_test.c - words of SentencePiece BPE models made here against the rule read literally: of all neighbours whose joint text is a piece those of
 * the best score are joined first, the leftmost of equals; what is no piece in the end becomes its bytes, or one unknown token a run. */
#include "text/tokenizer/bpe_chars.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_PIECES_MAX = 400, PIECE_BYTES_MAX = 40, TEXT_BYTES_MAX = 1600, N_MODELS = 80, N_TEXTS = 15 };
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_BYTE = 6, FIRST_NORMAL = 3 };

/* Two letters are in no piece: one plain, one beyond the characters that labels are kept for. */
static const char *const letters[] = {"\u2581", "a", "b", "가", "나", "다", "é", "'", "😀", "힣", "🎉"};
enum { N_LETTERS = 9, N_ALL_LETTERS = 11 };

/* A byte of no character. */
static const char BROKEN = '\xFF';

typedef struct {
    char text[N_PIECES_MAX][PIECE_BYTES_MAX];
    int order[N_PIECES_MAX];  /* the least joins first */
    bool keeps_spaces;        /* each is a mark; otherwise runs of them are one */
    int n, n_normal;  /* pieces; ids below this are no bytes */
    uint64_t seed, n_drawn;
    char blob[N_PIECES_MAX * (PIECE_BYTES_MAX + 16)];
    size_t n_bytes;
} Model;

static uint32_t draw(Model *model, uint32_t n)
{
    return philox(model->seed, 21, model->n_drawn++, 0).word[0] % n;
}

static int find(const Model *model, const char *text, size_t n)
{
    for (int i = FIRST_NORMAL; i < model->n; i++)
        if (strlen(model->text[i]) == n && memcmp(model->text[i], text, n) == 0)
            return i;
    return -1;
}

/* A message of a piece: text, score, type. */
static void put_piece(Model *model, const char *text, int type, int order)
{
    char piece[PIECE_BYTES_MAX + 16];
    size_t n_text = strlen(text), n = 0;
    float score = -(float)order;
    piece[n++] = 0x0A;
    piece[n++] = (char)n_text;
    memcpy(piece + n, text, n_text);
    n += n_text;
    piece[n++] = 0x15;
    memcpy(piece + n, &score, sizeof score);
    n += sizeof score;
    piece[n++] = 0x18;
    piece[n++] = (char)type;
    model->blob[model->n_bytes++] = 0x0A;
    model->blob[model->n_bytes++] = (char)n;
    memcpy(model->blob + model->n_bytes, piece, n);
    model->n_bytes += n;
    model->order[model->n] = order;
    strcpy(model->text[model->n++], text);
}

/* Marks only at the start of a text, or several there where spaces are kept. */
static bool begins_words(const Model *model, const char *text)
{
    size_t n = strlen(letters[0]);
    const char *rest = strncmp(text, letters[0], n) == 0 ? text + n : text;
    while (model->keeps_spaces && strncmp(rest, letters[0], n) == 0)
        rest += n;
    return !strstr(rest, letters[0]);
}

/* Long runs of marks that all join at once, as Llama 2 has them. */
static void put_runs(Model *model)
{
    char text[PIECE_BYTES_MAX] = "";
    int order = model->n;
    for (int n = 1; n <= 9; n++) {
        strcat(text, letters[0]);
        if (n > 2 && draw(model, 4) && find(model, text, strlen(text)) < 0)
            put_piece(model, text, TYPE_NORMAL, order);
    }
}

/* The tokenizer of the pieces that are there, and of the bytes. */
static Tokenizer *read_model(Model *model, bool byte_fallback)
{
    static const char trainer[] = "\x12\x05\x18\x02\x98\x02", normalizer[] = "\x1A\x04\x18\x01\x20";  /* BPE, byte_fallback; add_dummy_prefix, remove_extra */
    model->n_normal = model->n;
    for (int b = 0; b < 256 && byte_fallback; b++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", b);
        put_piece(model, text, TYPE_BYTE, model->n);
    }
    memcpy(model->blob + model->n_bytes, trainer, 6);
    model->blob[model->n_bytes + 6] = byte_fallback;
    memcpy(model->blob + model->n_bytes + 7, normalizer, 5);
    model->blob[model->n_bytes + 12] = !model->keeps_spaces;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_read_sentencepiece(&tok, "made here", model->blob, model->n_bytes + 13));
    return tok;
}

/* Pieces are joined of two before; letters come last and some not at all, as trainers do. */
static Tokenizer *make(Model *model, uint64_t seed, bool byte_fallback, bool keeps_spaces)
{
    *model = (Model){.seed = seed, .keeps_spaces = keeps_spaces};
    put_piece(model, "<unk>", TYPE_UNKNOWN, 0);
    put_piece(model, "<s>", TYPE_CONTROL, 0);
    put_piece(model, "</s>", TYPE_CONTROL, 0);
    if (keeps_spaces && draw(model, 3))
        put_piece(model, "\u2581\u2581", TYPE_NORMAL, model->n);
    int n_joined = 5 + (int)draw(model, 90);
    for (int i = 0, n_tries = 0; i < n_joined && n_tries < 5000; n_tries++) {
        char text[2 * PIECE_BYTES_MAX] = "";
        for (int half = 0; half < 2; half++) {
            bool is_letter = model->n == FIRST_NORMAL || draw(model, 3) == 0;
            strcat(text, is_letter ? letters[draw(model, N_LETTERS)] : model->text[FIRST_NORMAL + (int)draw(model, (uint32_t)(model->n - FIRST_NORMAL))]);
        }
        if (strlen(text) > 30 || find(model, text, strlen(text)) >= 0 || !begins_words(model, text))
            continue;
        put_piece(model, text, TYPE_NORMAL, model->n);
        i++;
    }
    if (keeps_spaces && draw(model, 3))
        put_runs(model);
    for (int i = 0; i < N_LETTERS; i++)
        if (i == 0 || draw(model, 4))
            put_piece(model, letters[i], TYPE_NORMAL, model->n);
    return read_model(model, byte_fallback);
}

static size_t put_spaces(char *text, uint32_t n)
{
    memset(text, ' ', n);
    return n;
}

/* Words of letters, spaces apart; now and then a long one. Writes the text and what normalising makes of it. */
static size_t draw_text(Model *model, char *text, char *normal)
{
    size_t n = 0;
    for (uint32_t w = 1 + draw(model, 40); w > 0 && n < TEXT_BYTES_MAX / 2; w--) {
        uint32_t n_parts = draw(model, 60) ? 1 + draw(model, 8) : 1 + draw(model, 100);
        n += n > 0 || model->keeps_spaces ? put_spaces(text + n, draw(model, 4) ? 1 : 1 + draw(model, 7)) : 0;
        for (uint32_t n_few = draw(model, 30) ? 0 : 100 + draw(model, 200), few = 1 + draw(model, N_LETTERS - 2); n_few > 0; n_few--)
            n += (size_t)sprintf(text + n, "%s", letters[few + draw(model, 2)]);  /* two letters in no order */
        for (; n_parts > 0; n_parts--) {
            const char *letter = letters[1 + (draw(model, 8) ? draw(model, N_LETTERS - 1) : draw(model, N_ALL_LETTERS - 1))];
            const char *piece = model->text[FIRST_NORMAL + (int)draw(model, (uint32_t)(model->n - FIRST_NORMAL))];
            n += draw(model, 50) ? 0 : (size_t)sprintf(text + n, "%c", BROKEN);
            n += (size_t)sprintf(text + n, "%s", draw(model, 2) || piece[0] == letters[0][0] || piece[0] == '<' ? letter : piece);
        }
    }
    n += model->keeps_spaces && draw(model, 2) ? put_spaces(text + n, draw(model, 5)) : 0;
    size_t n_normal = (size_t)sprintf(normal, "%s", letters[0]);
    for (size_t i = 0; i < n; i++)
        if (text[i] == BROKEN)
            n_normal += (size_t)sprintf(normal + n_normal, "\uFFFD");
        else if (text[i] != ' ')
            normal[n_normal++] = text[i];
        else if (model->keeps_spaces || text[i + 1] != ' ')
            n_normal += (size_t)sprintf(normal + n_normal, "%s", letters[0]);
    normal[n_normal] = '\0';
    return n;
}

static int find_piece(const Tokenizer *tok, const Model *model, const char *text, size_t n)
{
    int32_t id = vocab_find(&tok->vocab, text, n);
    return id >= FIRST_NORMAL && id < model->n_normal ? id : -1;
}

static size_t encode_plain(const Tokenizer *tok, const Model *model, const char *normal, int32_t *ids)
{
    size_t ends[2 * TEXT_BYTES_MAX], n = 0, n_ids = 0, n_bytes = strlen(normal);
    for (size_t at = 1; at <= n_bytes; at++)
        if (at == n_bytes || ((unsigned char)normal[at] & 0xC0) != 0x80)
            ends[n++] = at;
    for (;;) {
        int best = N_PIECES_MAX;  /* the order of the piece */
        size_t place = 0;
        for (size_t i = 0, begin = 0; i + 1 < n; begin = ends[i++]) {
            int piece = ends[i + 1] - begin < PIECE_BYTES_MAX ? find_piece(tok, model, normal + begin, ends[i + 1] - begin) : -1;
            if (piece >= 0 && model->order[piece] < best) {
                best = model->order[piece];
                place = i;
            }
        }
        if (best == N_PIECES_MAX)
            break;
        memmove(ends + place, ends + place + 1, (--n - place) * sizeof *ends);
    }
    bool after_unknown = false;
    for (size_t i = 0, begin = 0; i < n; begin = ends[i++]) {
        int piece = find_piece(tok, model, normal + begin, ends[i] - begin);
        if (piece >= 0)
            ids[n_ids++] = piece;
        for (size_t b = begin; b < ends[i] && piece < 0 && tok->byte_fallback; b++)
            ids[n_ids++] = tok->byte_id[(unsigned char)normal[b]];
        if (piece < 0 && !tok->byte_fallback && !after_unknown)
            ids[n_ids++] = tok->unk_id;
        after_unknown = piece < 0;
    }
    return n_ids;
}

TEST(bpe_chars, words_encode_by_the_rule)
{
    static char text[4 * TEXT_BYTES_MAX], normal[8 * TEXT_BYTES_MAX];
    Arena *arena = arena_new();
    Model *model = malloc(sizeof *model);
    int n_wrong = 0, n_taken = 0;
    for (uint64_t seed = 0; seed < N_MODELS; seed++) {
        Tokenizer *tok = make(model, seed, seed % 2, seed / 2 % 2);
        REQUIRE(tok != NULL);
        n_taken += model_fast(tok)->plain != NULL;
        for (int i = 0; i < N_TEXTS; i++) {
            int32_t want[2 * TEXT_BYTES_MAX];
            size_t n = draw_text(model, text, normal), n_want = encode_plain(tok, model, normal, want);
            TokenSpan got = tokenizer_encode(tok, arena, text, n);
            if (((size_t)got.n != n_want || memcmp(got.ids, want, n_want * sizeof *want) != 0) && n_wrong++ == 0)
                test_note("model %d: \"%.*s\"", (int)seed, (int)n, text);
            arena_reset(arena);
        }
        tokenizer_free(tok);
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_taken > N_MODELS * 3 / 4);
    free(model);
    arena_free(arena);
}

/* ---- long words whose tokens are decided at their end ---- */

enum { N_LINKS = 48, FIRST_LINK = 0x100, N_BEFORE = 2 * N_LINKS };  /* with letters before them that they do not join the links are part of a long word */

/* A chain of characters, each of which joins its neighbours: of the first n_left pairs the leftmost is joined first, of the others, later, the rightmost. */
static Tokenizer *make_chain(Model *model, int n_left)
{
    *model = (Model){0};
    put_piece(model, "<unk>", TYPE_UNKNOWN, 0);
    put_piece(model, "<s>", TYPE_CONTROL, 0);
    put_piece(model, "</s>", TYPE_CONTROL, 0);
    for (int i = 0; i + 1 < N_LINKS; i++) {
        char pair[2 * UTF8_BYTES_MAX + 1] = "";
        utf8_encode(pair + utf8_encode(pair, FIRST_LINK + (uint32_t)i), FIRST_LINK + (uint32_t)i + 1);
        put_piece(model, pair, TYPE_NORMAL, i < n_left ? i : 2 * N_LINKS - i);
    }
    for (int i = 0; i < N_LINKS; i++) {
        char link[UTF8_BYTES_MAX + 1] = "";
        utf8_encode(link, FIRST_LINK + (uint32_t)i);
        put_piece(model, link, TYPE_NORMAL, 3 * N_LINKS + i);
    }
    put_piece(model, "ab", TYPE_NORMAL, 4 * N_LINKS);
    put_piece(model, letters[0], TYPE_NORMAL, 4 * N_LINKS + 1);
    return read_model(model, true);
}

/* Goal: what a window of a long word holds counts only once what is behind it is known. Method: both parities of what is behind. */
TEST(bpe_chars, what_is_decided_behind_a_window_is_waited_for)
{
    Arena *arena = arena_new();
    Model *model = malloc(sizeof *model);
    int n_wrong = 0;
    for (int n_left = 0; n_left < N_LINKS; n_left += 4) {
        Tokenizer *tok = make_chain(model, n_left);
        REQUIRE(tok != NULL);
        for (int n_links = 2; n_links <= N_LINKS; n_links++) {
            char normal[UTF8_BYTES_MAX * (1 + N_BEFORE + N_LINKS)] = "";
            int32_t want[sizeof normal];
            size_t n_mark = (size_t)sprintf(normal, "%s", letters[0]), n = n_mark + N_BEFORE;
            for (int i = 0; i < N_BEFORE; i++)
                normal[(int)n_mark + i] = "ab"[i % 2];
            for (int i = 0; i < n_links; i++)
                n += (size_t)utf8_encode(normal + n, FIRST_LINK + (uint32_t)i);
            size_t n_want = encode_plain(tok, model, normal, want);
            TokenSpan got = tokenizer_encode(tok, arena, normal + n_mark, n - n_mark);
            if (((size_t)got.n != n_want || memcmp(got.ids, want, n_want * sizeof *want) != 0) && n_wrong++ == 0)
                test_note("%d of %d links, %d from the left", n_links, N_LINKS, n_left);
            arena_reset(arena);
        }
        tokenizer_free(tok);
    }
    CHECK_EQUAL(n_wrong, 0);
    free(model);
    arena_free(arena);
}
