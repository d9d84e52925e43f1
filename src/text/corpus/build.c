/* build.c - reads, encodes on all threads, writes in order. */
#include "text/corpus/build.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/hash.h"
#include "text/corpus/shard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A batch is read by one thread, encoded by all in groups, written by one. Group borders follow from the documents alone. */
enum { BATCH_BYTES = 1 << 23, BATCH_DOCUMENTS = 1 << 14, N_GROUPS = 64, TRAIN = 0, VAL = 1 };

typedef struct {
    const char *text;
    size_t n_bytes;
    int side;
    TokenSpan tokens;
} Piece;

typedef struct {
    const BuildOptions *options;
    char **paths;
    int n_paths;
    Arena *arena;       /* paths and provenance */
    Arena *texts;       /* of the present batch */
    Arena *groups[N_GROUPS];
    Piece *pieces;
    int n_pieces;
    size_t n_batch_bytes;
    ShardWriter *writers[2];
    int32_t eos;
    int64_t n_read_bytes, cut;  /* by position: bytes before this belong to train */
    BuildReport *report;
    uint64_t key;
} Build;

BuildOptions build_options_default(void)
{
    return (BuildOptions){.documents = document_options_default(), .split = 0.9, .split_by = SPLIT_BY_HASH, .append_eos = true};
}

/* Calls `visit` for every document of every input. */
static Err build_each_document(Build *b, Err (*visit)(Build *, const Document *), const char *what)
{
    int64_t total = 0, done = 0, size;
    for (int i = 0; i < b->n_paths; i++)
        if (strcmp(b->paths[i], "-") != 0 && file_size(&size, b->paths[i]) == OK)
            total += size;
    Progress *progress = progress_new(what, total, "B");
    DocumentCounts counts = {0};
    Err err = OK;
    for (int i = 0; i < b->n_paths && err == OK; i++) {
        DocumentReader *reader;
        if ((err = document_reader_open(&reader, b->paths[i], &b->options->documents)) != OK)
            break;
        Document document;
        while (err == OK && document_reader_next(reader, &document, &err)) {
            err = visit(b, &document);
            progress_set(progress, done + document_reader_consumed(reader));
        }
        done += document_reader_consumed(reader);
        document_counts_add(&counts, document_reader_counts(reader));
        document_reader_free(reader);
    }
    progress_free(progress);
    b->report->n_skipped = counts.n_skipped;
    b->report->n_repaired = counts.n_repaired;
    memcpy(b->report->reason, counts.reason, sizeof b->report->reason);
    if (err == OK && counts.n_documents == 0)
        err = err_set(ERR_FORMAT, "%s: no documents%s%s", b->paths[0], counts.reason[0] ? "; the first that was skipped: " : "", counts.reason);
    return err;
}

/* Encoding and writing. */

static void build_encode_group(void *context, int64_t group)
{
    Build *b = context;
    int begin = (int)(b->n_pieces * group / N_GROUPS), end = (int)(b->n_pieces * (group + 1) / N_GROUPS);
    arena_reset(b->groups[group]);
    for (int i = begin; i < end; i++)
        b->pieces[i].tokens = tokenizer_encode(b->options->tokenizer, b->groups[group], b->pieces[i].text, b->pieces[i].n_bytes);
}

static Err build_write(Build *b, const Piece *piece)
{
    TokenSpan tokens = piece->tokens;
    if (b->eos >= 0) {
        int32_t *with_eos = arena_alloc(b->texts, ((size_t)tokens.n + 1) * sizeof *with_eos);
        memcpy(with_eos, tokens.ids, (size_t)tokens.n * sizeof *with_eos);
        with_eos[tokens.n] = b->eos;
        tokens = (TokenSpan){with_eos, tokens.n + 1};
    }
    if (tokens.n == 0)
        return OK;
    b->report->n_bytes[piece->side] += (int64_t)piece->n_bytes;
    return shard_writer_add(b->writers[piece->side], tokens.ids, tokens.n);
}

static Err build_flush(Build *b)
{
    if (interrupt_requested())
        return err_set(ERR_INTERRUPTED, "interrupted; nothing was written to %s", b->options->out);
    parallel_for(N_GROUPS, build_encode_group, b);
    for (int i = 0; i < b->n_pieces; i++)
        TRY(build_write(b, &b->pieces[i]));
    b->n_pieces = 0;
    b->n_batch_bytes = 0;
    arena_reset(b->texts);
    return OK;
}

static Err build_add_piece(Build *b, const char *text, size_t n_bytes, int side)
{
    if (n_bytes == 0)
        return OK;
    b->pieces[b->n_pieces++] = (Piece){.text = arena_strndup(b->texts, text, n_bytes), .n_bytes = n_bytes, .side = side};
    b->n_batch_bytes += n_bytes;
    return b->n_pieces == BATCH_DOCUMENTS || b->n_batch_bytes >= BATCH_BYTES ? build_flush(b) : OK;
}

/* The top 53 bits of the hash as a number in [0, 1). */
static int side_by_hash(const Document *document, double split)
{
    double place = (double)(hash64(document->text, document->n_bytes, 0x53504c49u) >> 11) * 0x1p-53;
    return place < split ? TRAIN : VAL;
}

static Err build_add_document(Build *b, const Document *document)
{
    if (b->options->split_by == SPLIT_BY_HASH)
        return build_add_piece(b, document->text, document->n_bytes, side_by_hash(document, b->options->split));
    int64_t begin = b->n_read_bytes, end = begin + (int64_t)document->n_bytes;
    b->n_read_bytes = end;
    if (end <= b->cut || begin >= b->cut)
        return build_add_piece(b, document->text, document->n_bytes, end <= b->cut ? TRAIN : VAL);
    size_t n_first = (size_t)(b->cut - begin);
    while (n_first > 0 && ((unsigned char)document->text[n_first] & 0xC0) == 0x80)
        n_first--;
    TRY(build_add_piece(b, document->text, n_first, TRAIN));
    return build_add_piece(b, document->text + n_first, document->n_bytes - n_first, VAL);
}

static Err build_count_document(Build *b, const Document *document)
{
    b->n_read_bytes += (int64_t)document->n_bytes;
    return interrupt_requested() ? err_set(ERR_INTERRUPTED, "interrupted") : OK;
}

/* By position the border must be known beforehand: one pass that only counts. */
static Err build_find_cut(Build *b)
{
    if (b->options->split_by == SPLIT_BY_HASH)
        return OK;
    for (int i = 0; i < b->n_paths; i++)
        if (strcmp(b->paths[i], "-") == 0)
            return err_set(ERR_USAGE, "standard input cannot be split by position: it would be read twice");
    TRY(build_each_document(b, build_count_document, "counting"));
    b->cut = (int64_t)((double)b->n_read_bytes * b->options->split);
    b->n_read_bytes = 0;
    return OK;
}

/* What was built from what. */

static void build_write_inputs(Build *b, JsonWriter *json, Err *err)
{
    json_write_key(json, "inputs");
    json_write_array_begin(json);
    for (int i = 0; i < b->n_paths && *err == OK; i++) {
        json_write_object_begin(json);
        json_field_string(json, "path", b->paths[i]);
        if (strcmp(b->paths[i], "-") != 0) {
            uint64_t hash = 0;
            int64_t n_bytes = 0;
            *err = file_hash(&hash, b->paths[i]);
            if (*err == OK)
                *err = file_size(&n_bytes, b->paths[i]);
            json_field_int(json, "bytes", n_bytes);
            json_field_string(json, "xxh3_64", arena_printf(b->arena, "%016" PRIx64, hash));
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* One JSON object of inputs and settings; its hash is the key of the build. Standard input has no identity: never up to date. */
static Err build_provenance(Build *b, const char **provenance)
{
    const BuildOptions *o = b->options;
    JsonWriter *json = json_writer_new(0);
    Err err = OK;
    json_write_object_begin(json);
    json_field_string(json, "tokenizer_hash", arena_printf(b->arena, "%016" PRIx64, tokenizer_hash(o->tokenizer)));
    json_field_int(json, "vocab_size", tokenizer_vocab_size(o->tokenizer));
    json_field_bool(json, "append_eos", b->eos >= 0);
    json_field_double(json, "split", o->split);
    json_field_string(json, "split_by", o->split_by == SPLIT_BY_HASH ? "hash" : "position");
    json_field_int(json, "format", o->documents.format);
    json_field_string(json, "field", o->documents.field);
    json_field_int(json, "document_bytes_max", o->documents.bytes_max);
    build_write_inputs(b, json, &err);
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    b->key = hash64(text, n_bytes, 1);
    *provenance = arena_strndup(b->arena, text, n_bytes);
    json_writer_free(json);
    return err;
}

static const char *build_json_path(Build *b)
{
    return arena_printf(b->arena, "%s/build.json", b->options->out);
}

static Err build_write_json(Build *b, const char *provenance)
{
    const BuildReport *r = b->report;
    JsonWriter *json = json_writer_new(2);
    json_write_object_begin(json);
    json_field_string(json, "key", arena_printf(b->arena, "%016" PRIx64, b->key));
    for (int side = TRAIN; side <= VAL; side++) {
        const char *name = side == TRAIN ? "train" : "val";
        json_field_int(json, arena_printf(b->arena, "%s_documents", name), r->n_documents[side]);
        json_field_int(json, arena_printf(b->arena, "%s_tokens", name), r->n_tokens[side]);
        json_field_int(json, arena_printf(b->arena, "%s_bytes", name), r->n_bytes[side]);
    }
    json_field_int(json, "skipped", r->n_skipped);
    json_field_int(json, "repaired", r->n_repaired);
    json_write_key(json, "provenance");
    json_write_raw(json, provenance, strlen(provenance));
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    Err err = file_write(build_json_path(b), text, n_bytes);
    json_writer_free(json);
    return err;
}

/* Reads the figures of a finished build; *found when its key is ours and its shards are there. */
static Err build_look(Build *b, bool *found)
{
    *found = false;
    const char *path = build_json_path(b), *bytes, *key_text = "";
    for (int i = 0; i < b->n_paths; i++)
        if (strcmp(b->paths[i], "-") == 0)
            return OK;
    if (!file_exists(path) || !file_exists(arena_printf(b->arena, "%s/train.sum", b->options->out)))
        return OK;
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, b->arena, path));
    JsonReader json;
    json_reader_init(&json, path, bytes, n_bytes);
    TRY(json_object_begin(&json));
    JsonText key;
    BuildReport *r = b->report;
    const struct { const char *name; int64_t *value; } figures[] = {
        {"train_documents", &r->n_documents[TRAIN]}, {"train_tokens", &r->n_tokens[TRAIN]}, {"train_bytes", &r->n_bytes[TRAIN]},
        {"val_documents", &r->n_documents[VAL]}, {"val_tokens", &r->n_tokens[VAL]}, {"val_bytes", &r->n_bytes[VAL]},
        {"skipped", &r->n_skipped}, {"repaired", &r->n_repaired},
    };
    while (json_object_next(&json, &key)) {
        bool known = false;
        for (size_t i = 0; i < sizeof figures / sizeof figures[0] && !known; i++)
            if (json_text_is(key, figures[i].name)) {
                TRY(json_int(&json, figures[i].value));
                known = true;
            }
        if (known)
            continue;
        if (json_text_is(key, "key"))
            TRY(json_string(&json, b->arena, &key_text, NULL));
        else
            TRY(json_skip(&json));
    }
    TRY(json_reader_end(&json));
    *found = strtoull(key_text, NULL, 16) == b->key;
    if (!*found)
        *r = (BuildReport){0};
    return OK;
}

/* The road. */

static Err build_run(Build *b)
{
    const BuildOptions *o = b->options;
    const char *provenance;
    TRY(document_list_files(&b->paths, &b->n_paths, b->arena, o->inputs, o->n_inputs));
    TRY(build_provenance(b, &provenance));
    TRY(build_look(b, &b->report->up_to_date));
    if (b->report->up_to_date)
        return OK;
    TRY(file_make_dirs(o->out));
    TRY(file_remove_tree(build_json_path(b)));
    TRY(build_find_cut(b));
    int64_t vocab_size = tokenizer_vocab_size(o->tokenizer);
    int n_sides = o->split < 1.0 ? 2 : 1;
    for (int side = 0; side < n_sides; side++)
        TRY(shard_writer_open(&b->writers[side], arena_printf(b->arena, "%s/%s", o->out, side == TRAIN ? "train" : "val"), vocab_size));
    TRY(build_each_document(b, build_add_document, "tokens"));
    TRY(build_flush(b));
    for (int side = 0; side < n_sides; side++) {
        ShardWriter *writer = b->writers[side];
        b->report->n_documents[side] = shard_writer_n_documents(writer);
        b->report->n_tokens[side] = shard_writer_n_tokens(writer);
        b->writers[side] = NULL;
        TRY(shard_writer_commit(writer, provenance));
    }
    return build_write_json(b, provenance);
}

Err corpus_build(BuildReport *report, const BuildOptions *options)
{
    double start = clock_seconds();
    *report = (BuildReport){0};
    Build b = {.options = options, .report = report, .arena = arena_new(), .texts = arena_new()};
    for (int i = 0; i < N_GROUPS; i++)
        b.groups[i] = arena_new();
    b.pieces = mem_alloc(BATCH_DOCUMENTS * sizeof *b.pieces);
    b.eos = options->append_eos ? tokenizer_special_id(options->tokenizer, SPECIAL_EOS) : -1;
    Err err = build_run(&b);
    for (int side = 0; side < 2; side++)
        shard_writer_abort(b.writers[side]);
    for (int i = 0; i < N_GROUPS; i++)
        arena_free(b.groups[i]);
    arena_free(b.texts);
    arena_free(b.arena);
    free(b.pieces);
    report->seconds = clock_seconds() - start;
    return err;
}
