/* generate.c - prompts to text. Each round computes what the caches lack: at first the prompts, then one token a sequence; half a context
 * after a slide. */
#include "learn/generate/generate.h"

#include "base/log.h"
#include "learn/generate/stop_text.h"

#include <assert.h>
#include <string.h>

typedef struct {
    TokenStream *stream;
    StopText text;
    bool open;
    int32_t *ids;      /* [context] what the cache holds or will hold */
    int64_t n_ids;
    int64_t n_prompt, n_tokens;  /* given, chosen */
    FinishReason reason;
    TokenScore *scores;  /* options->log_probs: of the chosen tokens */
    int64_t scores_capacity;
} Session;

typedef struct {
    Generator *gen;
    const Tokenizer *tok;
    const GenerateOptions *options;
    const GenerateSink *sink;
    Session *sessions;
    int64_t n_sessions;
    GeneratorToken *tokens;  /* of the next run */
    int64_t n_tokens;
    void *scratch;
    Arena *arena;
} Generation;

const char *finish_reason_name(FinishReason reason)
{
    static const char *const names[] = {"eos", "stop", "length", "context"};
    return names[reason];
}

static bool ends_text(const Generation *gn, int32_t id)
{
    const ModelConfig *config = generator_config(gn->gen);
    if (gn->options->ignore_eos)
        return false;
    for (int i = 0; i < config->n_eos; i++)
        if (config->eos_id[i] == id)
            return true;
    return id == tokenizer_special_id(gn->tok, SPECIAL_EOS);
}

static void give_out(Generation *gn, int64_t sequence, bool ended)
{
    size_t n_bytes;
    const char *text = stop_text_take(&gn->sessions[sequence].text, ended, &n_bytes);
    if (gn->sink && n_bytes > 0)
        gn->sink->write(gn->sink->context, sequence, text, n_bytes);
}

static void finish(Generation *gn, int64_t sequence, FinishReason reason)
{
    Session *s = &gn->sessions[sequence];
    s->open = false;
    s->reason = reason;
    if (reason != FINISH_STOP) {
        TokenText rest = token_stream_finish(s->stream);
        if (stop_text_push(&s->text, rest.bytes, rest.n_bytes))
            s->reason = FINISH_STOP;
    }
    give_out(gn, sequence, true);
}

/* The later half of the context becomes its beginning; the cache is computed anew, as positions have changed. */
static void slide(Generation *gn, int64_t sequence)
{
    Session *s = &gn->sessions[sequence];
    const int64_t n_kept = (s->n_ids + 1) / 2;
    memmove(s->ids, s->ids + s->n_ids - n_kept, sizeof *s->ids * (size_t)n_kept);
    s->n_ids = n_kept;
    generator_truncate(gn->gen, sequence, 0);
}

/* How likely the token was that is about to be accepted. */
static void keep_scores(Generation *gn, Session *s, const Tensor *logits, int32_t id)
{
    const int64_t width = 1 + gn->options->n_top_log_probs, needed = (s->n_tokens + 1) * width;
    if (needed > s->scores_capacity) {
        TokenScore *grown = ARENA_ARRAY(gn->arena, TokenScore, 2 * needed);
        if (s->n_tokens > 0)
            memcpy(grown, s->scores, sizeof *grown * (size_t)(s->n_tokens * width));
        s->scores = grown;
        s->scores_capacity = 2 * needed;
    }
    sample_log_probs(s->scores + s->n_tokens * width, logits, id, gn->options->n_top_log_probs);
}

/* Takes a chosen token into its sequence. */
static void accept(Generation *gn, int64_t sequence, int32_t id)
{
    Session *s = &gn->sessions[sequence];
    const int64_t context = generator_options(gn->gen)->context;
    if (ends_text(gn, id)) {
        finish(gn, sequence, FINISH_EOS);
        return;
    }
    s->ids[s->n_ids++] = id;
    s->n_tokens++;
    TokenText piece = token_stream_push(s->stream, id);
    if (stop_text_push(&s->text, piece.bytes, piece.n_bytes))
        finish(gn, sequence, FINISH_STOP);
    else if (s->n_tokens == gn->options->max_tokens)
        finish(gn, sequence, FINISH_LENGTH);
    else if (s->n_ids == context && !gn->options->slide)
        finish(gn, sequence, FINISH_CONTEXT);
    else
        give_out(gn, sequence, false);
    if (s->open && s->n_ids == context)
        slide(gn, sequence);
}

/* Runs what was collected and chooses a token where logits were wanted. */
static Err run(Generation *gn)
{
    if (interrupt_requested())
        return err_set(ERR_INTERRUPTED, "interrupted");
    const Tensor *logits = generator_run(gn->gen, gn->tokens, gn->n_tokens);
    const int64_t V = tensor_dim(logits, 1);
    int64_t row = 0;
    for (int64_t i = 0; i < gn->n_tokens; i++) {
        if (!gn->tokens[i].want_logits)
            continue;
        const int64_t sequence = gn->tokens[i].sequence;
        Session *s = &gn->sessions[sequence];
        const SampleHistory history = {s->ids, s->n_ids, s->n_tokens < s->n_ids ? s->n_tokens : s->n_ids};
        Tensor of_token = tensor_contiguous(logits->dtype, shape_1(V), (char *)logits->data + row++ * V * dtype_bytes(logits->dtype));
        int32_t id;
        TRY(sample_token(&id, &of_token, &gn->options->sample, &history, (uint64_t)sequence, (uint64_t)(s->n_prompt + s->n_tokens),
                         gn->scratch));
        if (gn->options->log_probs)
            keep_scores(gn, s, &of_token, id);
        accept(gn, sequence, id);
    }
    gn->n_tokens = 0;
    return OK;
}

static Err add_token(Generation *gn, int64_t sequence, int32_t id, bool want_logits)
{
    gn->tokens[gn->n_tokens++] = (GeneratorToken){sequence, id, want_logits};
    return gn->n_tokens == generator_options(gn->gen)->chunk ? run(gn) : OK;
}

/* One round: every open sequence is computed up to its last token, and the next is chosen. */
static Err advance(Generation *gn)
{
    for (int64_t i = 0; i < gn->n_sessions; i++) {
        const Session *s = &gn->sessions[i];
        const int64_t n = s->n_ids;  /* a run chooses a token for whoever is complete */
        if (!s->open)
            continue;
        for (int64_t k = generator_length(gn->gen, i); k < n; k++)
            TRY(add_token(gn, i, s->ids[k], k == n - 1));
    }
    return gn->n_tokens > 0 ? run(gn) : OK;
}

static bool any_open(const Generation *gn)
{
    for (int64_t i = 0; i < gn->n_sessions; i++)
        if (gn->sessions[i].open)
            return true;
    return false;
}

static Err check_prompts(const Generator *gen, const TokenSpan *prompts, int64_t n_prompts)
{
    const int64_t vocab_size = generator_config(gen)->vocab_size, context = generator_options(gen)->context;
    for (int64_t i = 0; i < n_prompts; i++) {
        if (prompts[i].n == 0)
            return err_set(ERR_USAGE, "the prompt is empty");
        if (prompts[i].n >= context)
            return err_set(ERR_USAGE, "the prompt has %lld tokens; the context of %lld must hold it and at least one more",
                           (long long)prompts[i].n, (long long)context);
        for (int64_t k = 0; k < prompts[i].n; k++)
            if (prompts[i].ids[k] < 0 || prompts[i].ids[k] >= vocab_size)
                return err_set(ERR_USAGE, "token %lld of the prompt is %d, the model's vocabulary ends at %lld", (long long)k,
                               prompts[i].ids[k], (long long)vocab_size - 1);
    }
    return OK;
}

static void session_open(Generation *gn, int64_t sequence, TokenSpan prompt, Arena *arena)
{
    const GenerateOptions *options = gn->options;
    Session *s = &gn->sessions[sequence];
    *s = (Session){.stream = token_stream_new(gn->tok, false), .open = true, .n_prompt = prompt.n, .n_ids = prompt.n,
                   .ids = ARENA_ARRAY(arena, int32_t, generator_options(gn->gen)->context),
                   .text = stop_text_new(arena, options->stops, options->n_stops)};
    memcpy(s->ids, prompt.ids, sizeof *s->ids * (size_t)prompt.n);
    generator_truncate(gn->gen, sequence, 0);
}

Err generate(Generator *gen, const Tokenizer *tok, const TokenSpan *prompts, int64_t n_prompts, const GenerateOptions *options,
             const GenerateSink *sink, Arena *arena, Generated *results)
{
    assert(options->max_tokens >= 1);
    assert(options->n_top_log_probs >= 0 && options->n_top_log_probs <= LOG_PROBS_MAX);
    assert(n_prompts >= 1 && n_prompts <= generator_options(gen)->n_sequences);
    TRY(check_prompts(gen, prompts, n_prompts));
    const int64_t vocab_size = generator_config(gen)->vocab_size;
    Generation gn = {gen, tok, options, sink, ARENA_ARRAY(arena, Session, n_prompts), n_prompts,
                     ARENA_ARRAY(arena, GeneratorToken, generator_options(gen)->chunk), 0,
                     arena_alloc(arena, sample_scratch_bytes(vocab_size)), arena};
    for (int64_t i = 0; i < n_prompts; i++)
        session_open(&gn, i, prompts[i], arena);
    Err err = OK;
    while (err == OK && any_open(&gn))
        err = advance(&gn);
    for (int64_t i = 0; i < n_prompts; i++) {
        Session *s = &gn.sessions[i];
        results[i] = (Generated){s->text.bytes, s->text.n_bytes, s->n_tokens, s->reason, s->scores};
        token_stream_free(s->stream);
    }
    return err;
}
