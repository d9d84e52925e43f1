/* decode_profile.c - see decode_profile.h. */
#include "study/bench/decode_profile.h"

#include "base/file.h"
#include "study/bench/bench_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A kernel of the program, in the order in which they run. */
typedef struct {
    const char *op;
    int64_t width;
    double bytes;
    double *seconds;  /* [n_tokens] */
} ProfiledCall;

/* Calls alike. */
typedef struct {
    const char *op;
    int64_t width, n_calls;
    double seconds, bytes_each;
} ProfiledGroup;

enum { CALLS_MAX = 4096 };

struct DecodeProfile {
    Program *program;
    Arena *arena;
    int64_t n_tokens, token;  /* token: the one that runs; -1 before */
    int n_calls, next;
    ProfiledCall call[CALLS_MAX];
};

static void call_begin(DecodeProfile *p, ProfiledCall *call, const CallTiming *timing)
{
    bool is_product = strncmp(timing->op, "linear", 6) == 0;
    int64_t width = 1;
    for (int i = 1; i < timing->shape.n_dims; i++)
        width *= timing->shape.dim[i];
    *call = (ProfiledCall){timing->op, width, is_product ? timing->state_bytes : 0.0, ARENA_ARRAY(p->arena, double, p->n_tokens)};
}

static void hear(void *context, const CallTiming *timing)
{
    DecodeProfile *p = context;
    assert(p->token >= 0 && p->token < p->n_tokens);
    if (p->next == CALLS_MAX)
        return;
    ProfiledCall *call = &p->call[p->next++];
    if (p->next > p->n_calls) {
        call_begin(p, call, timing);
        p->n_calls = p->next;
    }
    call->seconds[p->token] = timing->seconds;
}

DecodeProfile *decode_profile_new(Program *program, int64_t n_tokens, Arena *arena)
{
    DecodeProfile *p = ARENA_NEW(arena, DecodeProfile);
    p->program = program;
    p->arena = arena;
    p->n_tokens = n_tokens;
    p->token = -1;
    program_listen(program, hear, p);
    return p;
}

void decode_profile_next(DecodeProfile *p)
{
    p->token++;
    p->next = 0;
}

static int compare_by_seconds(const void *a, const void *b)
{
    double x = ((const ProfiledGroup *)a)->seconds, y = ((const ProfiledGroup *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The group of a call, a new one if there is none yet. */
static ProfiledGroup *group_of(ProfiledGroup *groups, int *n_groups, const ProfiledCall *call)
{
    ProfiledGroup *g = groups;
    for (; g < groups + *n_groups; g++)
        if (strcmp(g->op, call->op) == 0 && g->width == call->width && g->bytes_each == call->bytes)
            return g;
    *g = (ProfiledGroup){.op = call->op, .width = call->width, .bytes_each = call->bytes};
    ++*n_groups;
    return g;
}

const char *decode_profile_text(DecodeProfile *p, double cache_bytes)
{
    ProfiledGroup *groups = ARENA_ARRAY(p->arena, ProfiledGroup, p->n_calls + 1);
    int n_groups = 0;
    double total = 0;
    program_listen(p->program, NULL, NULL);
    for (int c = 0; c < p->n_calls; c++) {
        double seconds = bench_median(p->call[c].seconds, p->token + 1);
        ProfiledGroup *g = group_of(groups, &n_groups, &p->call[c]);
        g->seconds += seconds;
        g->n_calls++;
        total += seconds;
    }
    qsort(groups, (size_t)n_groups, sizeof *groups, compare_by_seconds);
    const char *text = arena_printf(p->arena, "%-20s %8s %6s %10s %9s %6s\n", "operator", "width", "calls", "ms", "share", "GB/s");
    for (const ProfiledGroup *g = groups; g < groups + n_groups; g++) {
        double bytes = strcmp(g->op, "attention") == 0 ? cache_bytes : g->bytes_each * (double)g->n_calls;
        const char *rate = bytes > 0 ? arena_printf(p->arena, "%7.1f", bytes / g->seconds * 1e-9) : "";
        text = arena_printf(p->arena, "%s%-20s %8lld %6lld %10.3f %7.1f %%%s\n", text, g->op, (long long)g->width, (long long)g->n_calls,
                            1e3 * g->seconds, 100 * g->seconds / total, rate);
    }
    return arena_printf(p->arena, "%s%-20s %8s %6d %10.3f\n", text, "all", "", p->n_calls, 1e3 * total);
}
