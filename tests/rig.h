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
/* One number for all states of the store: weights, gradients, moments, copies. */
uint64_t rig_hash(const Rig *rig);

#endif
