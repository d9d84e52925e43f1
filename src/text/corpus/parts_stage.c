/* parts_stage.c - the stage `parts`: paragraphs or sentences that stand in the corpus more than once stay in one place.
 *
 * Parts are compared by the 128-bit hash of their text without the white space around. A part stays in the document with the smallest hash of its
 * whole text, there at its first place: whatever the order of inputs or workers. The table of the first pass that is larger than the memory given is
 * made in several readings of the notes, each over its share of the hashes. */
#include "base/log.h"
#include "text/corpus/hash.h"
#include "text/corpus/sentence.h"
#include "text/corpus/stage_kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_VERSION = 1 };
typedef enum { PARTS_PARAGRAPH, PARTS_SENTENCE } PartsUnit;

typedef struct {
    int unit;  /* PartsUnit */
    int64_t bytes_min, left_min;
} PartsSettings;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static Sentences paragraphs_of(Arena *arena, const char *text, size_t n_bytes)
{
    int64_t n_lines = 1;
    for (size_t i = 0; i < n_bytes; i++)
        n_lines += text[i] == '\n';
    Sentences parts = {.sentences = ARENA_ARRAY(arena, Sentence, n_lines)};
    for (size_t begin = 0; begin < n_bytes;) {
        const char *newline = memchr(text + begin, '\n', n_bytes - begin);
        size_t next = newline ? (size_t)(newline - text) + 1 : n_bytes, end = next;
        while (begin < end && is_blank(text[begin]))
            begin++;
        while (end > begin && is_blank(text[end - 1]))
            end--;
        if (end > begin)
            parts.sentences[parts.n++] = (Sentence){begin, end};
        begin = next;
    }
    return parts;
}

static Sentences parts_of(const PartsSettings *s, Arena *arena, const StageDocument *document)
{
    if (s->unit == PARTS_SENTENCE)
        return sentence_split(arena, document->text, document->n_bytes, true);
    return paragraphs_of(arena, document->text, document->n_bytes);
}

/* The note of a document: the hash of its text, then of each of its parts; parts shorter than bytes_min have a hash of zeros. */
static void parts_look(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_note_bytes)
{
    const PartsSettings *s = context;
    Sentences parts = parts_of(s, arena, document);
    Hash128 *hashes = ARENA_ARRAY(arena, Hash128, parts.n + 1);
    hashes[0] = hash128(document->text, document->n_bytes, 0);
    for (int i = 0; i < parts.n; i++) {
        size_t n = parts.sentences[i].end - parts.sentences[i].begin;
        if (n >= (size_t)s->bytes_min)
            hashes[i + 1] = hash128(document->text + parts.sentences[i].begin, n, 0);
    }
    *note = hashes;
    *n_note_bytes = (size_t)(parts.n + 1) * sizeof *hashes;
}

/* Where a part stays so far. */
typedef struct {
    Hash128 part, document;
    int64_t place;  /* number of the part in the corpus */
} Entry;

typedef struct {
    Spool *notes;
    int64_t n_parts, n_shares;
    Entry *entries;  /* place -1: free */
    uint64_t mask;
    unsigned char *stays;  /* a bit a part */
} Deciding;

static bool is_none(Hash128 hash)
{
    return hash.low == 0 && hash.high == 0;
}

static bool is_smaller(Hash128 a, Hash128 b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static Entry *entry_of(const Deciding *d, Hash128 part)
{
    uint64_t i = part.low & d->mask;
    while (d->entries[i].place >= 0 && (d->entries[i].part.low != part.low || d->entries[i].part.high != part.high))
        i = (i + 1) & d->mask;
    return &d->entries[i];
}

static Err count_parts(Deciding *d)
{
    const void *note;
    size_t n_bytes;
    Err err = OK;
    TRY(spool_rewind(d->notes));
    while (spool_next(d->notes, &note, &n_bytes, &err))
        d->n_parts += (int64_t)(n_bytes / sizeof(Hash128)) - 1;
    return err;
}

/* One reading: of the hashes of this share, where each stays. */
static Err decide_share(Deciding *d, int64_t share)
{
    const void *note;
    size_t n_bytes;
    int64_t place = 0;
    Err err = OK;
    for (uint64_t i = 0; i <= d->mask; i++)
        d->entries[i].place = -1;
    TRY(spool_rewind(d->notes));
    while (spool_next(d->notes, &note, &n_bytes, &err)) {
        const Hash128 *hashes = note, document = hashes[0];
        for (size_t i = 1; i < n_bytes / sizeof *hashes; i++, place++) {
            if (is_none(hashes[i]) || (int64_t)(hashes[i].high % (uint64_t)d->n_shares) != share)
                continue;
            Entry *entry = entry_of(d, hashes[i]);
            if (entry->place < 0 || is_smaller(document, entry->document))
                *entry = (Entry){hashes[i], document, place};
        }
    }
    for (uint64_t i = 0; i <= d->mask; i++)
        if (d->entries[i].place >= 0)
            d->stays[d->entries[i].place / 8] |= (unsigned char)(1 << d->entries[i].place % 8);
    return err;
}

/* The verdict of a document: a byte a part, 1 for those that stay. */
static Err write_verdicts(Deciding *d, Spool *verdicts)
{
    const void *note;
    size_t n_bytes;
    int64_t place = 0;
    Err err = OK;
    Arena *arena = arena_new();
    TRY(spool_rewind(d->notes));
    while (err == OK && spool_next(d->notes, &note, &n_bytes, &err)) {
        const Hash128 *hashes = note;
        size_t n = n_bytes / sizeof *hashes - 1;
        arena_reset(arena);
        char *stays = arena_alloc(arena, n + 1);
        for (size_t i = 0; i < n; i++, place++)
            stays[i] = is_none(hashes[i + 1]) || (d->stays[place / 8] >> place % 8 & 1);
        err = spool_add(verdicts, stays, n);
    }
    arena_free(arena);
    return err;
}

static Err parts_decide(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    Deciding d = {.notes = notes};
    (void)context;
    TRY(count_parts(&d));
    int64_t entries_max = room->memory_bytes / (int64_t)sizeof(Entry) / 2;
    uint64_t n_slots = 16;
    d.n_shares = 1 + d.n_parts / (entries_max > 16 ? entries_max / 2 : 8);
    while (n_slots < 3 * (uint64_t)(d.n_parts / d.n_shares + 16))
        n_slots *= 2;
    d.mask = n_slots - 1;
    d.entries = mem_alloc(n_slots * sizeof *d.entries);
    d.stays = mem_alloc((size_t)d.n_parts / 8 + 1);
    Err err = OK;
    for (int64_t share = 0; share < d.n_shares && err == OK; share++)
        err = decide_share(&d, share);
    if (err == OK)
        err = write_verdicts(&d, verdicts);
    free(d.entries);
    free(d.stays);
    return err;
}

/* The parts that stay, each behind the white space that stood before it; a line break anywhere between two of them stays one. */
static const char *join(Arena *arena, const char *text, const Sentences *parts, const char *stays, size_t *n_out_bytes)
{
    size_t n = 0, before = 0, n_before = 0, last = 0;
    char *out = arena_alloc(arena, parts->n ? parts->sentences[parts->n - 1].end + 1 : 1);
    for (int i = 0; i < parts->n; i++) {
        const Sentence *part = &parts->sentences[i];
        size_t n_gap = part->begin - last;
        bool breaks = memchr(text + last, '\n', n_gap) != NULL, broke = memchr(text + before, '\n', n_before) != NULL;
        if (n_before == 0 || breaks > broke || (breaks == broke && n_gap > n_before))
            before = last, n_before = n_gap;
        last = part->end;
        if (!stays[i])
            continue;
        if (n > 0) {
            memcpy(out + n, text + before, n_before);
            n += n_before;
        }
        memcpy(out + n, text + part->begin, part->end - part->begin);
        n += part->end - part->begin;
        n_before = 0;
    }
    *n_out_bytes = n;
    return out;
}

static void parts_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const PartsSettings *s = context;
    Sentences parts = parts_of(s, arena, document);
    const char *stays = document->verdict;
    int64_t n_gone = 0;
    assert((size_t)parts.n == document->n_verdict_bytes);
    for (int i = 0; i < parts.n; i++)
        n_gone += !stays[i];
    if (n_gone == 0)
        return;
    result->text = join(arena, document->text, &parts, stays, &result->n_bytes);
    result->change_rule = s->unit == PARTS_SENTENCE ? "parts.sentence" : "parts.paragraph";
    result->change_value = (double)n_gone;
    result->tags = arena_printf(arena, "\"parts\":{\"version\":%d,\"all\":%d,\"gone\":%lld}", PARTS_VERSION, parts.n, (long long)n_gone);
    if (result->n_bytes < (size_t)s->left_min)
        result->drop_rule = "parts.left_min", result->drop_value = (double)result->n_bytes;
}

static const Option rows[] = {
    OPTION_CHOICE("unit", PartsSettings, unit, "paragraph|sentence", "what is compared: lines, or sentences"),
    OPTION_INT("bytes_min", PartsSettings, bytes_min, 0, 1e9, "shorter parts may repeat"),
    OPTION_INT("left_min", PartsSettings, left_min, 0, 1e9, "documents of which fewer bytes are left are dropped"),
};

static void parts_defaults(void *settings)
{
    *(PartsSettings *)settings = (PartsSettings){.bytes_min = 30, .left_min = 1};
}

static Err parts_open(Stage *stage, const void *settings, Arena *arena)
{
    (void)arena;
    stage->context = (void *)(uintptr_t)settings;
    stage->look = parts_look;
    stage->decide = parts_decide;
    stage->work = parts_work;
    return OK;
}

const StageKind parts_stage_kind = {
    .name = "parts",
    .help = "take out paragraphs or sentences that stand elsewhere too",
    .examples = "    jikji corpus parts text.jsonl.zst --out unique.jsonl.zst\n"
                "    jikji corpus parts text.jsonl --unit sentence --bytes-min 40 --out unique.jsonl\n",
    .about = "Each part stays in one place: in the document with the smallest hash, whatever the order of the inputs. Inputs are read twice.\n"
             "Drops: parts.left_min.\n",
    .version = PARTS_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(PartsSettings),
    .defaults = parts_defaults,
    .open = parts_open,
};
