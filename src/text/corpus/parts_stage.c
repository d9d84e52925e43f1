/* parts_stage.c - the stage `parts`: paragraphs or sentences that stand in the corpus more than once stay in one place.
 *
 * Parts are compared by the 128-bit hash of their text without the white space around. A part stays in the document with the smallest hash, of 64
 * bits, of its whole text, there at its first place: whatever the order of inputs or workers. The table of the first pass that is larger than the memory given is
 * made in several readings of the notes, each over its share of the hashes. A document is taken apart once: notes and verdicts say where its parts are. */
#include "base/large.h"
#include "base/log.h"
#include "text/corpus/hash.h"
#include "text/corpus/sentence.h"
#include "text/corpus/stage_kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_VERSION = 1, NOTES_VERSION = 3 };  /* of what comes out, of notes and verdicts */
typedef enum { PARTS_PARAGRAPH, PARTS_SENTENCE } PartsUnit;

typedef struct {
    int unit;  /* PartsUnit */
    int64_t bytes_min, left_min;
} PartsSettings;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* Where a part is in its text, and its hash; zeros for one that may repeat. */
typedef struct {
    Sentence at;
    Hash128 hash;
} PartNote;

/* The note of a document: this, then its parts. */
typedef struct {
    uint64_t document;  /* its hash */
    PartNote parts[];
} Note;

/* The verdict on a part of a document that loses some; a document that loses none has an empty verdict. */
typedef struct {
    Sentence at;
    int64_t stays;
} PartVerdict;

static Sentences paragraphs_of(Arena *arena, const char *text, size_t n_bytes)
{
    Sentences parts = {0};
    for (size_t begin = 0; begin < n_bytes;) {
        const char *newline = memchr(text + begin, '\n', n_bytes - begin);
        size_t next = newline ? (size_t)(newline - text) + 1 : n_bytes, end = next;
        while (begin < end && is_blank(text[begin]))
            begin++;
        while (end > begin && is_blank(text[end - 1]))
            end--;
        if (end > begin)
            sentences_add(&parts, arena, (Sentence){begin, end});
        begin = next;
    }
    return parts;
}

static void parts_look(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_note_bytes)
{
    const PartsSettings *s = context;
    Sentences parts = s->unit == PARTS_SENTENCE ? sentence_split(arena, document->text, document->n_bytes, true)
                                                : paragraphs_of(arena, document->text, document->n_bytes);
    *n_note_bytes = sizeof(Note) + (size_t)parts.n * sizeof(PartNote);
    Note *n = arena_alloc(arena, *n_note_bytes);
    n->document = hash128(document->text, document->n_bytes, 0).high;
    for (int i = 0; i < parts.n; i++) {
        Sentence at = parts.sentences[i];
        n->parts[i].at = at;
        if (at.end - at.begin >= (size_t)s->bytes_min)
            n->parts[i].hash = hash128(document->text + at.begin, at.end - at.begin, 0);
    }
    *note = n;
}

/* Where a part stays so far: half a line of the cache. */
typedef struct {
    Hash128 part;
    uint64_t document;
    int64_t place;  /* number of the part in the corpus, from 1; 0: the entry is free */
} Entry;

typedef struct {
    Spool *notes;
    int64_t n_parts, n_shares;
    Entry *entries;
    uint64_t mask, n_used;
    unsigned char *stays;  /* a bit a part */
} Deciding;

enum { SLOTS_MIN = 256 };

static bool is_none(Hash128 hash)
{
    return hash.low == 0 && hash.high == 0;
}

static Entry *entry_of(const Deciding *d, Hash128 part)
{
    uint64_t i = part.low & d->mask;
    while (d->entries[i].place > 0 && (d->entries[i].part.low != part.low || d->entries[i].part.high != part.high))
        i = (i + 1) & d->mask;
    return &d->entries[i];
}

static int64_t parts_of(size_t n_note_bytes)
{
    return (int64_t)((n_note_bytes - sizeof(Note)) / sizeof(PartNote));
}

/* One reading: of the hashes of this share, where each stays. */
static Err decide_share(Deciding *d, int64_t share)
{
    const void *bytes;
    size_t n_bytes;
    int64_t place = 0;
    Err err = OK;
    if (share > 0)
        memset(d->entries, 0, (d->mask + 1) * sizeof *d->entries);
    d->n_used = 0;
    TRY(spool_rewind(d->notes));
    while (spool_next(d->notes, &bytes, &n_bytes, &err)) {
        const Note *note = bytes;
        int64_t n = parts_of(n_bytes);
        for (int64_t i = 0; i < n; i++)
            __builtin_prefetch(&d->entries[note->parts[i].hash.low & d->mask], 1);
        for (int64_t i = 0; i < n; i++, place++) {
            Hash128 part = note->parts[i].hash;
            if (is_none(part) || (int64_t)(part.high % (uint64_t)d->n_shares) != share)
                continue;
            Entry *entry = entry_of(d, part);
            d->n_used += entry->place == 0;
            if (d->n_used > d->mask)
                return err_set(ERR_MEMORY, "parts: %lld parts in %lld shares do not fit into tables of %llu", (long long)d->n_parts, (long long)d->n_shares,
                               (unsigned long long)d->mask + 1);
            if (entry->place == 0 || note->document < entry->document)
                *entry = (Entry){part, note->document, place + 1};
        }
    }
    for (uint64_t i = 0; i <= d->mask; i++)
        if (d->entries[i].place > 0) {
            int64_t at = d->entries[i].place - 1;
            d->stays[at / 8] |= (unsigned char)(1 << at % 8);
        }
    return err;
}

static Err write_verdicts(Deciding *d, Spool *verdicts)
{
    const void *bytes;
    size_t n_bytes;
    int64_t place = 0;
    Err err = OK;
    Arena *arena = arena_new();
    TRY(spool_rewind(d->notes));
    while (err == OK && spool_next(d->notes, &bytes, &n_bytes, &err)) {
        const Note *note = bytes;
        int64_t n = parts_of(n_bytes), n_stay = 0;
        arena_reset(arena);
        PartVerdict *parts = arena_alloc_unset(arena, (size_t)n * sizeof *parts);
        for (int64_t i = 0; i < n; i++, place++) {
            parts[i] = (PartVerdict){note->parts[i].at, is_none(note->parts[i].hash) || (d->stays[place / 8] >> place % 8 & 1)};
            n_stay += parts[i].stays;
        }
        err = spool_add(verdicts, parts, n_stay < n ? (size_t)n * sizeof *parts : 0);
    }
    arena_free(arena);
    return err;
}

/* A table at most three quarters full of what the bits leave of the room, and no larger than all parts need. */
static void size_table(Deciding *d, int64_t room_bytes)
{
    int64_t n_bits = d->n_parts / 8, room = room_bytes > 2 * n_bits ? room_bytes - n_bits : room_bytes / 2, n_needed = d->n_parts + d->n_parts / 3;
    uint64_t n_slots = SLOTS_MIN;
    while (2 * n_slots * sizeof(Entry) <= (uint64_t)room && n_slots < (uint64_t)n_needed)
        n_slots *= 2;
    d->n_shares = 1 + n_needed / (int64_t)n_slots;
    d->mask = n_slots - 1;
}

static Err parts_decide(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    Deciding d = {.notes = notes, .n_parts = (spool_n_bytes(notes) - spool_n(notes) * (int64_t)sizeof(Note)) / (int64_t)sizeof(PartNote)};
    (void)context;
    size_table(&d, room->memory_bytes);
    d.entries = mem_alloc_large((d.mask + 1) * sizeof *d.entries);
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

/* Of two gaps: does only the first break the line, or is it as the second and longer? */
static bool is_wider(const char *text, Sentence a, Sentence b)
{
    bool a_breaks = memchr(text + a.begin, '\n', a.end - a.begin) != NULL, b_breaks = memchr(text + b.begin, '\n', b.end - b.begin) != NULL;
    return a_breaks > b_breaks || (a_breaks == b_breaks && a.end - a.begin > b.end - b.begin);
}

/* The parts that stay, each behind the white space that stood before it; a line break anywhere between two of them stays one. */
static const char *join(Arena *arena, const char *text, const PartVerdict *parts, int64_t n_parts, size_t *n_out_bytes)
{
    size_t n = 0, before = 0, n_before = 0, last = 0;
    char *out = arena_alloc_unset(arena, parts[n_parts - 1].at.end + 1);
    for (int64_t i = 0; i < n_parts; i++) {
        Sentence part = parts[i].at;
        size_t n_gap = part.begin - last;
        if (n_before == 0 || is_wider(text, (Sentence){last, part.begin}, (Sentence){before, before + n_before}))
            before = last, n_before = n_gap;
        last = part.end;
        if (!parts[i].stays)
            continue;
        if (n > 0) {
            memcpy(out + n, text + before, n_before);
            n += n_before;
        }
        memcpy(out + n, text + part.begin, part.end - part.begin);
        n += part.end - part.begin;
        n_before = 0;
    }
    out[n] = '\0';
    *n_out_bytes = n;
    return out;
}

static void parts_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const PartsSettings *s = context;
    const PartVerdict *parts = document->verdict;
    int64_t n = (int64_t)(document->n_verdict_bytes / sizeof *parts), n_gone = 0;
    for (int64_t i = 0; i < n; i++)
        n_gone += !parts[i].stays;
    if (n_gone == 0)
        return;
    assert(parts[n - 1].at.end <= document->n_bytes);
    result->text = join(arena, document->text, parts, n, &result->n_bytes);
    result->change_rule = s->unit == PARTS_SENTENCE ? "parts.sentence" : "parts.paragraph";
    result->change_value = (double)n_gone;
    result->tags = arena_printf(arena, "\"parts\":{\"version\":%d,\"all\":%lld,\"gone\":%lld}", PARTS_VERSION, (long long)n, (long long)n_gone);
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
    stage->looks_at_text = true;
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
    .version = 10 * NOTES_VERSION + PARTS_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(PartsSettings),
    .defaults = parts_defaults,
    .open = parts_open,
};
