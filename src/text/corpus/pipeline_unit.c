/* pipeline_unit.c - one unit of work: documents through the stages of a pass, one after another, on one thread. */
#include "base/log.h"
#include "text/corpus/hash.h"
#include "text/corpus/pipeline_internal.h"
#include "text/corpus/stage_when.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_KEEP_BYTES = 64 << 20, PACK_LEVEL = 3, PACK_LEVEL_WORK = 1, SAMPLE_ONE_IN = 32, SAMPLE_FIRST_BYTES = 1 << 19, EXAMPLE_BYTES = 240 };

struct Unit {
    const Pipeline *p;
    int first_stage, n_stages;
    bool is_first, is_last;  /* pass */
    Arena *arena;  /* of one document */
    Arena *texts;  /* of the unit: examples, rules */
    StageLimits limits;
    StageStep steps[PIPELINE_STAGES_MAX + 1];
    PipelineStage *counts;  /* [n_stages] */
    Bytes sections[PART_SECTIONS];
    int64_t n_sampled_bytes;
};

/* A packed document: this, then the texts in the order of their sizes. */
typedef struct {
    int64_t line;
    uint64_t n_text, n_record, n_tags, n_path, n_charset;
    uint64_t flags;
} PackedHead;
enum { PACKED_PAGE = 1, PACKED_RECORD = 2, PACKED_SAMPLED = 4 };

Unit *unit_new(const Pipeline *p, int pass)
{
    Unit *unit = mem_alloc(sizeof *unit);
    unit->p = p;
    unit->first_stage = p->passes[pass].first_stage;
    unit->n_stages = p->passes[pass].end_stage - unit->first_stage;
    unit->is_first = pass == 0;
    unit->is_last = pass == p->n_passes - 1;
    unit->arena = arena_new();
    unit->texts = arena_new();
    unit->limits = (StageLimits){p->options->document_seconds, p->options->document_memory_bytes};
    unit->counts = mem_alloc((size_t)unit->n_stages * sizeof *unit->counts + 1);
    return unit;
}

void unit_free(Unit *unit)
{
    if (!unit)
        return;
    for (int i = 0; i < PART_SECTIONS; i++)
        bytes_free(&unit->sections[i]);
    arena_free(unit->arena);
    arena_free(unit->texts);
    free(unit->counts);
    free(unit);
}

static const char *document_name(Arena *arena, const StageDocument *document)
{
    const char *id = stage_tag_text(arena, document, "id");
    return id ? id : arena_printf(arena, "%s:%" PRId64, document->path, document->line);
}

/* A text cut between two characters. */
static const char *beginning_of(Arena *arena, const char *text, size_t n_bytes)
{
    size_t n = n_bytes < EXAMPLE_BYTES ? n_bytes : EXAMPLE_BYTES;
    while (n < n_bytes && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return arena_strndup(arena, text, n);
}

static void unit_count_drop(Unit *unit, PipelineStage *counts, const StageDocument *document, const StageResult *result)
{
    example_add(counts, (PipelineExample){result->drop_rule, arena_strdup(unit->texts, document_name(unit->arena, document)),
                                          beginning_of(unit->texts, document->text, document->n_bytes), result->drop_value});
}

/* Tokens of a text, for the samples. */
static int64_t count_tokens(Unit *unit, const char *text, size_t n_bytes)
{
    return tokenizer_encode(unit->p->options->tokenizer, unit->arena, text, n_bytes).n;
}

/* The sample is drawn in the first pass and stays the same through all: documents of the unit's first bytes, and of the rest one in SAMPLE_ONE_IN by
 * its hash, so that equal texts are in it or not, wherever they are. */
static bool unit_draws(Unit *unit, const StageDocument *first)
{
    if (!unit->is_first)
        return first->is_sampled;
    bool draws = unit->n_sampled_bytes < SAMPLE_FIRST_BYTES || hash64(first->text, first->n_bytes, 0x5a) % SAMPLE_ONE_IN == 0;
    unit->n_sampled_bytes += draws ? (int64_t)first->n_bytes : 0;
    return draws;
}

static void unit_sample(Unit *unit, const StageDocument *first, int n_steps)
{
    const char *text = first->text;
    size_t n_bytes = first->n_bytes;
    int64_t n_tokens = first->is_page ? 0 : count_tokens(unit, text, n_bytes);
    bool is_page = first->is_page;
    for (int i = 0; i < n_steps; i++) {
        const StageResult *result = &unit->steps[i].result;
        PipelineStage *counts = &unit->counts[i];
        if (!is_page)
            counts->sample_bytes[0] += (int64_t)n_bytes, counts->sample_tokens[0] += n_tokens;
        is_page = is_page && !unit->p->options->stages[unit->first_stage + i].reads_pages;
        if (result->drop_rule)
            break;
        if (result->text)
            n_bytes = result->n_bytes, n_tokens = is_page ? 0 : count_tokens(unit, result->text, n_bytes);
        if (!is_page)
            counts->sample_bytes[1] += (int64_t)n_bytes, counts->sample_tokens[1] += n_tokens;
    }
}

/* A document that goes on to the next pass, and its note for the stage there. */
static void unit_hand_on(Unit *unit, const StageDocument *document)
{
    const Stage *next = &unit->p->options->stages[unit->first_stage + unit->n_stages];
    const void *note = NULL;
    size_t n_note = 0;
    if (stage_when_holds(next->when, unit->arena, document)) {
        next->look(next->context, unit->arena, document, &note, &n_note);
        bytes_add_record(&unit->sections[SECTION_LOOK], note, n_note);
    }
    uint64_t flags = (document->is_page ? PACKED_PAGE : 0u) | (document->record ? PACKED_RECORD : 0u) | (document->is_sampled ? PACKED_SAMPLED : 0u);
    PackedHead head = {document->line, document->n_bytes, document->n_record_bytes, strlen(document->tags), strlen(document->path),
                       strlen(document->charset), flags};
    Bytes *out = &unit->sections[SECTION_DOCUMENTS];
    bytes_add(out, &head, sizeof head);
    bytes_add(out, document->text, head.n_text);
    bytes_add(out, document->record, head.n_record);
    bytes_add(out, document->tags, head.n_tags);
    bytes_add(out, document->path, head.n_path);
    bytes_add(out, document->charset, head.n_charset);
}

static void unit_add_source(Unit *unit, const StageDocument *document, const char *text, size_t n_bytes, int side, int64_t n_tokens)
{
    Hash128 hash = hash128(text, n_bytes, 0);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "id", document_name(unit->arena, document));
    json_field_string(json, "file", document->path);
    if (document->line > 0)
        json_field_int(json, "line", document->line);
    const char *url = stage_tag_text(unit->arena, document, "url");
    if (url)
        json_field_string(json, "url", url);
    json_field_int(json, "bytes", (int64_t)n_bytes);
    json_field_int(json, "tokens", n_tokens);
    json_field_string(json, "xxh3_128", arena_printf(unit->arena, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low));
    json_write_object_end(json);
    size_t n_json;
    const char *line = json_writer_text(json, &n_json);
    bytes_add(&unit->sections[SECTION_SOURCES + side], line, n_json);
    bytes_add(&unit->sections[SECTION_SOURCES + side], "\n", 1);
    json_writer_free(json);
}

/* Two documents of one text are told apart by their lines, so that copies show a model two cuts. */
static TokenSpan encode(Unit *unit, const StageDocument *document, const char *text, size_t n_bytes, int side)
{
    const PipelineOptions *o = unit->p->options;
    if (side != 0 || !pipeline_draws(o))
        return tokenizer_encode(o->tokenizer, unit->arena, text, n_bytes);
    uint64_t number = hash64(text, n_bytes, (uint64_t)document->line);
    return tokenizer_encode_sampled(o->tokenizer, unit->arena, text, n_bytes, 0, &o->sampling, number, NULL);
}

static void unit_add_tokens(Unit *unit, const StageDocument *document, const char *text, size_t n_bytes, int side)
{
    const Pipeline *p = unit->p;
    TokenSpan tokens = encode(unit, document, text, n_bytes, side);
    int64_t n = tokens.n + (p->eos >= 0);
    if (n == 0 || n_bytes == 0)
        return;
    const int64_t length[2] = {2 * n + side, (int64_t)n_bytes};
    bytes_add(&unit->sections[SECTION_TOKENS], tokens.ids, (size_t)tokens.n * sizeof *tokens.ids);
    if (p->eos >= 0)
        bytes_add(&unit->sections[SECTION_TOKENS], &p->eos, sizeof p->eos);
    bytes_add(&unit->sections[SECTION_LENGTHS], length, sizeof length);
    unit_add_source(unit, document, text, n_bytes, side, n);
}

static void unit_add_line(Unit *unit, int section, const char *field, const StageDocument *document, const char *dropped_by, const StageResult *drop)
{
    size_t n;
    const char *line = stage_record_json(unit->arena, document, field, dropped_by, drop, &n);
    bytes_add(&unit->sections[section], line, n);
    bytes_add(&unit->sections[section], "\n", 1);
}

void unit_add(Unit *unit, int item, const StageDocument *document)
{
    const PipelineOptions *o = unit->p->options;
    const char *field = unit->p->items[item].documents->field;
    const Stage *stages = o->stages + unit->first_stage;
    StageDocument now = *document;
    now.is_sampled = o->tokenizer && unit_draws(unit, document);
    int n_steps = stage_chain_apply(stages, unit->n_stages, &unit->limits, unit->arena, &now, unit->steps);
    const StageResult *drop = NULL;
    bool is_page = document->is_page;
    for (int i = 0; i < n_steps; i++) {
        const StageResult *result = &unit->steps[i].result;
        stage_report_step(&unit->counts[i].counts, stages[i].name, &unit->steps[i]);
        unit->counts[i].n_page_bytes += is_page ? (int64_t)unit->steps[i].n_bytes_in : 0;
        is_page = is_page && !stages[i].reads_pages;
        if (result->note)
            bytes_add_record(&unit->sections[SECTION_NOTES + unit->first_stage + i], result->note, result->n_note_bytes);
        if (result->drop_rule)
            drop = result;
    }
    if (now.is_sampled)
        unit_sample(unit, document, n_steps);
    if (drop) {
        unit_count_drop(unit, &unit->counts[n_steps - 1], &now, drop);
        if (o->write_dropped)
            unit_add_line(unit, SECTION_DROPPED, field, &now, stages[n_steps - 1].name, drop);
    } else if (!unit->is_last) {
        unit_hand_on(unit, &now);
    } else {
        if (o->write_documents)
            unit_add_line(unit, SECTION_JSONL, field, &now, NULL, NULL);
        if (o->tokenizer) {
            size_t n_train = split_train_bytes(o, &now, document->verdict);
            unit_add_tokens(unit, &now, now.text, n_train, TRAIN);
            unit_add_tokens(unit, &now, now.text + n_train, now.n_bytes - n_train, VAL);
        }
    }
    if (arena_used_bytes(unit->arena) > ARENA_KEEP_BYTES) {
        arena_free(unit->arena);
        unit->arena = arena_new();
    }
    arena_reset(unit->arena);
}

static void unit_write_counts(Unit *unit)
{
    JsonWriter *json = json_writer_new(0);
    json_write_array_begin(json);
    for (int i = 0; i < unit->n_stages; i++)
        counts_write(json, unit->p->options->stages[unit->first_stage + i].name, &unit->counts[i]);
    json_write_array_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    bytes_add(&unit->sections[SECTION_COUNTS], text, n);
    json_writer_free(json);
}

Err unit_write(Unit *unit, const char *path, uint64_t key)
{
    unit_write_counts(unit);
    bytes_compress(&unit->sections[SECTION_DOCUMENTS], PACK_LEVEL_WORK);
    for (int section = SECTION_JSONL; section <= SECTION_DROPPED; section++)
        bytes_compress(&unit->sections[section], PACK_LEVEL);
    for (int side = TRAIN; side <= VAL; side++)
        bytes_compress(&unit->sections[SECTION_SOURCES + side], PACK_LEVEL);
    Err err = part_write(path, key, unit->sections);
    for (int i = 0; i < PART_SECTIONS; i++)
        unit->sections[i].n = 0;
    memset(unit->counts, 0, (size_t)unit->n_stages * sizeof *unit->counts);
    unit->n_sampled_bytes = 0;
    arena_reset(unit->texts);
    return err;
}

/* Texts of a packed document, each with a NUL behind it. */
static const char *unpack_text(Arena *arena, const char **at, uint64_t n)
{
    char *text = arena_strndup(arena, *at, n);
    *at += n;
    return text;
}

/* False: there is less than the head, or than it says. */
static bool read_head(PackedHead *head, const char **at, const char *end)
{
    if ((size_t)(end - *at) < sizeof *head)
        return false;
    memcpy(head, *at, sizeof *head);
    *at += sizeof *head;
    uint64_t n_left = (uint64_t)(end - *at);
    const uint64_t sizes[] = {head->n_text, head->n_record, head->n_tags, head->n_path, head->n_charset};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] > n_left)
            return false;
        n_left -= sizes[i];
    }
    return true;
}

Err unit_each_document(const Part *part, const char *name, Err (*visit)(void *context, StageDocument *document), void *context)
{
    Bytes packed;
    TRY(bytes_decompress(&packed, part->section[SECTION_DOCUMENTS], part->n_bytes[SECTION_DOCUMENTS], name));
    Arena *arena = arena_new();
    const char *at = packed.bytes, *end = packed.n ? packed.bytes + packed.n : packed.bytes;
    Err err = OK;
    while (at < end && err == OK) {
        PackedHead head;
        if (!read_head(&head, &at, end)) {
            err = err_set(ERR_FORMAT, "%s: a document breaks off", name);
            break;
        }
        StageDocument document = {.line = head.line, .n_bytes = head.n_text, .n_record_bytes = head.n_record,
                                  .is_page = (head.flags & PACKED_PAGE) != 0, .is_sampled = (head.flags & PACKED_SAMPLED) != 0};
        document.text = unpack_text(arena, &at, head.n_text);
        document.record = unpack_text(arena, &at, head.n_record);
        document.tags = unpack_text(arena, &at, head.n_tags);
        document.path = unpack_text(arena, &at, head.n_path);
        document.charset = unpack_text(arena, &at, head.n_charset);
        if (!(head.flags & PACKED_RECORD))
            document.record = NULL;
        err = visit(context, &document);
        arena_reset(arena);
    }
    arena_free(arena);
    bytes_free(&packed);
    return err;
}
