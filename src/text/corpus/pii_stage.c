/* pii_stage.c - policies, tags and the log. */
#include "text/corpus/pii_stage.h"

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "text/corpus/stage_kinds.h"
#include "text/unicode/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

PiiOptions pii_options_default(void)
{
    PiiOptions options = {.policy = PII_MASK, .key = "jikji"};
    for (int i = 0; i < N_PII; i++)
        options.is_on[i] = true;
    return options;
}

/* Policies. */

/* How many leading letters or digits of a value stay: what tells its kind and no more. */
static int n_kept(PiiClass class, const char *value)
{
    switch (class) {
    case PII_PHONE: return value[0] == '+' ? 2 : 3;
    case PII_PASSPORT: return 1;
    default: return 0;
    }
}

/* One byte of the keyed stream of a value. */
static unsigned char stream_byte(const Sha256 *hash, int i)
{
    return (unsigned char)(hash->bytes[i % 32] ^ (unsigned char)(i / 32 * 73));
}

/* Writes the value's replacement; characters that are neither letter nor digit stay, so it keeps its form. Full-width digits become
 * plain ones. */
static size_t replace_value(char *out, const PiiOptions *options, const PiiSpan *span, const char *value, size_t n_bytes)
{
    Sha256 hash = sha256_hmac(options->key, strlen(options->key), value, n_bytes);
    const char *end = value + n_bytes;
    size_t n = 0;
    int n_seen = 0, kept = n_kept(span->class, value);
    if (options->policy == PII_PSEUDONYM && span->class == PII_EMAIL)
        return (size_t)sprintf(out, "user%02x%02x%02x@example.com", hash.bytes[0], hash.bytes[1], hash.bytes[2]);
    if (options->policy == PII_PSEUDONYM && span->class == PII_IP)
        return (size_t)sprintf(out, memchr(value, ':', n_bytes) ? "2001:db8::%x" : "192.0.2.%u", hash.bytes[0]);
    for (const char *at = value; at < end;) {
        uint32_t c;
        at += utf8_decode(&c, at, end);
        bool wide = c >= 0xFF10 && c <= 0xFF5A;
        uint32_t plain = wide ? c - 0xFF00 + 0x20 : c;
        if (plain >= 0x80 || !isalnum((int)plain) || n_seen++ < kept) {
            n += (size_t)utf8_encode(out + n, wide ? plain : c);
            continue;
        }
        unsigned char random = stream_byte(&hash, n_seen);
        out[n++] = options->policy == PII_MASK ? '*' : isdigit((int)plain) ? (char)('0' + random % 10) : (char)('A' + random % 26);
    }
    return n;
}

const char *pii_apply(Arena *arena, const PiiOptions *options, const char *text, size_t n_bytes, PiiSpans *spans, size_t *n_out_bytes)
{
    enum { REPLACEMENT_BYTES_MAX = 64 };
    *n_out_bytes = n_bytes;
    if (spans->n == 0 || options->policy == PII_TAG || options->policy == PII_DROP)
        return text;
    char *out = arena_alloc(arena, n_bytes + (size_t)spans->n * REPLACEMENT_BYTES_MAX + 1);
    size_t n = 0, done = 0;
    for (int i = 0; i < spans->n; i++) {
        PiiSpan *span = &spans->spans[i];
        memcpy(out + n, text + done, span->begin - done);
        n += span->begin - done;
        done = span->end;
        size_t begin = n;
        n += replace_value(out + n, options, span, text + span->begin, span->end - span->begin);
        span->begin = begin;
        span->end = n;
    }
    memcpy(out + n, text + done, n_bytes - done);
    *n_out_bytes = n + n_bytes - done;
    out[*n_out_bytes] = '\0';
    return out;
}

/* The stage. */

static const char *policy_name(int policy)
{
    return (const char *const[]){"mask", "pseudonym", "drop", "tag"}[policy];
}

static const char *span_tags(Arena *arena, const PiiOptions *options, const PiiSpans *spans)
{
    JsonWriter *json = stage_tags_begin();
    json_write_key(json, "pii");
    json_write_object_begin(json);
    json_field_int(json, "version", PII_VERSION);
    json_field_string(json, "policy", policy_name(options->policy));
    json_write_key(json, "spans");
    json_write_array_begin(json);
    for (int i = 0; i < spans->n; i++) {
        stage_tags_place(json, pii_class_name(spans->spans[i].class), spans->spans[i].begin, spans->spans[i].end);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    return stage_tags_end(json, arena);
}

static PiiSpans find_wanted(Arena *arena, const PiiOptions *options, const char *text, size_t n_bytes)
{
    PiiSpans spans = pii_find(arena, text, n_bytes);
    int n = 0;
    for (int i = 0; i < spans.n; i++)
        if (options->is_on[spans.spans[i].class])
            spans.spans[n++] = spans.spans[i];
    spans.n = n;
    return spans;
}

/* The note of a document with findings: its name, then the findings. Values leave the stage as HMACs only. */
typedef struct {
    int64_t class, begin, end;
    Sha256 value;
} Finding;
typedef struct {
    int64_t n;
    Finding findings[];
    /* then the document's name, as "path:line" */
} Note;

static void leave_note(const PiiOptions *options, Arena *arena, const StageDocument *document, const PiiSpans *spans, StageResult *result)
{
    const char *name = arena_printf(arena, "%s:%" PRId64, document->path, document->line);
    size_t n_head = sizeof(Note) + (size_t)spans->n * sizeof(Finding), n_name = strlen(name) + 1;
    Note *note = arena_alloc(arena, n_head + n_name);
    note->n = spans->n;
    for (int i = 0; i < spans->n; i++) {
        const PiiSpan *span = &spans->spans[i];
        Finding *finding = &note->findings[i];
        *finding = (Finding){.class = span->class, .begin = (int64_t)span->begin, .end = (int64_t)span->end};
        if (options->audit)
            finding->value = sha256_hmac(options->key, strlen(options->key), document->text + span->begin, span->end - span->begin);
    }
    memcpy((char *)note + n_head, name, n_name);
    result->note = note;
    result->n_note_bytes = n_head + n_name;
}

static void pii_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    static const char *const drop_rules[N_PII] = {"pii.email", "pii.phone", "pii.rrn", "pii.frn", "pii.business", "pii.corporate", "pii.passport",
                                                  "pii.driver", "pii.card", "pii.account", "pii.ip"};
    const PiiStage *state = context;
    PiiSpans spans = find_wanted(arena, &state->options, document->text, document->n_bytes);
    if (spans.n == 0)
        return;
    leave_note(&state->options, arena, document, &spans, result);
    if (state->options.policy == PII_DROP) {
        result->drop_rule = drop_rules[spans.spans[0].class];
        result->drop_value = spans.n;
    }
    result->text = pii_apply(arena, &state->options, document->text, document->n_bytes, &spans, &result->n_bytes);
    result->tags = span_tags(arena, &state->options, &spans);
}

/* The log. */

typedef struct {
    FileWriter *file;
    Arena *arena;
    char previous[65];
    int64_t n;
} Audit;

static Err audit_add(Audit *audit, const PiiOptions *options, const char *name, const Finding *finding)
{
    char value[65], hash[65];
    sha256_hex(value, &finding->value);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_int(json, "n", audit->n++);
    json_field_string(json, "id", name);
    json_field_string(json, "class", pii_class_name((PiiClass)finding->class));
    json_field_int(json, "begin", finding->begin);
    json_field_int(json, "end", finding->end);
    json_field_string(json, "policy", policy_name(options->policy));
    json_field_int(json, "version", PII_VERSION);
    json_field_string(json, "value_hmac", value);
    json_field_string(json, "previous", audit->previous);
    size_t n;
    const char *line = json_writer_text(json, &n);
    Sha256 chained = sha256(line, n);
    sha256_hex(hash, &chained);
    Err err = file_writer_printf(audit->file, "%s,\"hash\":\"%s\"}\n", line, hash);
    memcpy(audit->previous, hash, sizeof hash);
    json_writer_free(json);
    return err;
}

static Err pii_finish(void *context, Spool *notes)
{
    PiiStage *state = context;
    Audit audit = {.n = 0};
    const void *bytes;
    size_t n_bytes;
    Err err = OK;
    memset(state->n_found, 0, sizeof state->n_found);
    if (state->options.audit)
        TRY(file_writer_open(&audit.file, state->options.audit));
    while (err == OK && spool_next(notes, &bytes, &n_bytes, &err)) {
        const Note *note = bytes;
        const char *name = (const char *)&note->findings[note->n];
        for (int64_t i = 0; i < note->n && err == OK; i++) {
            state->n_found[note->findings[i].class]++;
            if (audit.file)
                err = audit_add(&audit, &state->options, name, &note->findings[i]);
        }
    }
    if (err == OK && audit.file)
        return file_writer_commit(audit.file);
    file_writer_abort(audit.file);
    return err;
}

static const char *pii_report(void *context, Arena *arena)
{
    const PiiStage *state = context;
    const char *found = "";
    for (int i = 0; i < N_PII; i++)
        found = arena_printf(arena, "%s%s\"%s\":%" PRId64, found, i ? "," : "", pii_class_name((PiiClass)i), state->n_found[i]);
    return arena_printf(arena, "\"found\":{%s}", found);
}

void pii_stage_new(Stage *stage, PiiStage *state, const PiiOptions *options)
{
    *state = (PiiStage){.options = *options};
    *stage = (Stage){.name = "pii", .work = pii_work, .finish = pii_finish, .report = pii_report, .context = state};
}

/* Settings. */

typedef struct {
    int policy;
    const char *key, *audit;
    OptionTexts except;
} PiiSettings;

static const Option rows[] = {
    OPTION_CHOICE("policy", PiiSettings, policy, PII_POLICY_CHOICES, "what happens to a value; its span stays as a tag"),
    OPTION_TEXT("key", PiiSettings, key, "of pseudonyms and of the log's hashes"),
    OPTION_TEXT("audit", PiiSettings, audit, "a hash-chained log of every finding, without values"),
    OPTION_TEXTS("except", PiiSettings, except, "classes to leave alone: email phone rrn frn business corporate passport driver card account ip"),
};

static void pii_defaults(void *settings)
{
    *(PiiSettings *)settings = (PiiSettings){.policy = PII_MASK, .key = "jikji"};
}

static Err pii_open(Stage *stage, const void *settings, Arena *arena)
{
    const PiiSettings *s = settings;
    PiiOptions options = pii_options_default();
    options.policy = s->policy;
    options.key = s->key ? s->key : "";
    options.audit = s->audit;
    for (int i = 0; i < s->except.n; i++) {
        int class = 0;
        while (class < N_PII && strcmp(s->except.value[i], pii_class_name((PiiClass)class)) != 0)
            class++;
        if (class == N_PII)
            return err_set(ERR_USAGE, "except: \"%s\" is no class of personal data", s->except.value[i]);
        options.is_on[class] = false;
    }
    pii_stage_new(stage, ARENA_NEW(arena, PiiStage), &options);
    return OK;
}

const StageKind pii_stage_kind = {
    .name = "pii",
    .help = "find personal data and mask, replace, drop or tag it",
    .examples = "    jikji corpus pii text.jsonl.zst --out clean.jsonl.zst\n"
                "    jikji corpus pii reviews.tsv --field document --policy drop --out clean.jsonl\n"
                "    jikji corpus pii text.jsonl --policy pseudonym --key SECRET --audit audit.jsonl --out clean.jsonl\n",
    .about = "Korean and international telephone numbers, resident, foreigner, business, corporate and passport numbers, driver's licences,\n"
             "cards, bank accounts near a bank's name, mail and net addresses; by form, check digit and the words around.\n",
    .version = PII_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(PiiSettings),
    .defaults = pii_defaults,
    .open = pii_open,
};

Err pii_audit_check(const char *path, int64_t *n_lines)
{
    Arena *arena = arena_new();
    const char *bytes;
    size_t n_bytes;
    *n_lines = 0;
    Err err = file_read(&bytes, &n_bytes, arena, path);
    char previous[65] = "", hash[65];
    for (const char *at = bytes; err == OK && at < bytes + n_bytes; (*n_lines)++) {
        const char *end = memchr(at, '\n', (size_t)(bytes + n_bytes - at));
        const char *mark = end ? memmem(at, (size_t)(end - at), ",\"hash\":\"", 9) : NULL;
        const char *chain = arena_printf(arena, "\"previous\":\"%s\"", previous);
        bool follows = mark && memmem(at, (size_t)(mark - at), chain, strlen(chain)) != NULL;
        if (follows) {
            Sha256 sum = sha256(at, (size_t)(mark - at));
            sha256_hex(hash, &sum);
            follows = end - mark == 9 + 64 + 2 && memcmp(mark + 9, hash, 64) == 0;
        }
        if (!follows)
            err = err_set(ERR_FORMAT, "%s:%" PRId64 ": the chain of the log breaks here", path, *n_lines + 1);
        memcpy(previous, hash, sizeof hash);
        at = end ? end + 1 : at;
    }
    arena_free(arena);
    return err;
}
