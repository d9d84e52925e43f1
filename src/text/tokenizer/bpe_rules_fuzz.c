/* bpe_rules_fuzz.c - any bytes as a file of learnt rules: refused, or rules over ids that there are. */
#include "text/tokenizer/bpe_rules.h"
#include "base/file.h"
#include "base/log.h"

#include <assert.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    log_set_level(LOG_QUIET);
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "/tmp/jikji-bpe-rules-fuzz-%d", (int)getpid());
    Err err = file_write(path, bytes, n_bytes);
    assert(err == OK);
    Tokenizer *tok = tokenizer_new(MODEL_BPE, "letters");
    for (int32_t i = 0; i < 4; i++) {
        char letter = (char)('a' + i);
        err = vocab_add(&tok->vocab, i, &letter, 1);
        assert(err == OK);
    }
    BpeRules rules = {.tok = tok, .save_path = path, .identity = 7};
    if (bpe_rules_begin(&rules, 1000) == OK) {
        PairTable pairs = {0};
        int32_t word[] = {0, 1, 2, 3, 0, 1, 0, 1, 1, 1, 2, 3};
        uint32_t n = bpe_rules_replay(&rules, word, sizeof word / sizeof word[0]);
        assert(n >= 1);
        for (uint32_t i = 0; i < n; i++)
            assert(word[i] >= 0 && word[i] < tok->vocab.n_ids);
        err = bpe_rules_restore_counts(&rules, &pairs, false);
        assert(err == OK);
        pair_table_release(&pairs);
    }
    bpe_rules_end(&rules);
    tokenizer_free(tok);
    err = file_remove_tree(path);
    assert(err == OK);
    arena_free(arena);
    return 0;
}
