/* rig.h - a trainer over a shop's recipe in this process, for tests that look inside a run. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "learn/train/pretrain.h"
#include "learn/train/trainer.h"
#include "shop.h"

typedef struct {
    Recipe recipe;
    Pretrain *pretrain;
    Trainer *trainer;
} Rig;

/* Settings are words "train.precision=bf16 memory.recompute=layers". Nothing is written to disk. False after a failed check; close it in any case. */
bool rig_open(Rig *rig, Shop *shop, const char *settings);
void rig_close(Rig *rig);
/* The same up to the trainer, whose error is returned. */
Err rig_make(Rig *rig, Shop *shop, const char *settings);
/* One number for all states of the store but copies, which are made from others: weights, gradients, moments. */
uint64_t rig_hash(const Rig *rig);
/* Three steps on so many threads, which stay set; then rig_hash, 0 after a failed check. */
uint64_t rig_hash_after_steps(Shop *shop, const char *settings, int n_threads);
/* Checks that `mode`, settings that should change no bit, changes none beside each of `ways`, on one to four threads, and that other bits would show. */
void rig_check_same_bits(Shop *shop, const char *precision, const char *mode, const char *const *ways, int n_ways);

/* A shop whose model.json is narrow and deep: where memory is saved layer by layer. */
bool rig_deep_shop(Shop *shop, const char *family, int n_layers, double dropout);

#endif
