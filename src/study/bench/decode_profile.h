/* decode_profile.h - where a generated token's time goes: the median of each operator's calls, so that one which was interrupted does not count. */
#ifndef STUDY_BENCH_DECODE_PROFILE_H
#define STUDY_BENCH_DECODE_PROFILE_H

#include "base/arena.h"
#include "engine/graph/program.h"

typedef struct DecodeProfile DecodeProfile;

/* Listens to a program from now on, which may run n_tokens times: a token each. */
DecodeProfile *decode_profile_new(Program *program, int64_t n_tokens, Arena *arena);
/* Before each run. */
void decode_profile_next(DecodeProfile *profile);
/* Ends listening. A line an operator and width of its output, the largest first: calls a token, milliseconds a token, and the rate at which products
 * read weights, and attention cache_bytes. */
const char *decode_profile_text(DecodeProfile *profile, double cache_bytes);

#endif
