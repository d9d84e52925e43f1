/* shop.c - see shop.h. */
#include "shop.h"

#include "base/err.h"
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static const char model_json[] = "{\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_head\": 2, \"n_embd\": 32, \"n_positions\": 64,"
                                 " \"attn_pdrop\": 0.0, \"embd_pdrop\": 0.0, \"resid_pdrop\": 0.0}";

bool shop_write(Shop *shop, const char *name, const char *text)
{
    return CHECK_OK(file_write(arena_printf(shop->arena, "%s/%s", shop->dir, name), text, strlen(text)));
}

bool shop_open(Shop *shop)
{
    *shop = (Shop){arena_new(), test_dir()};
    FileWriter *writer;
    if (!CHECK_OK(file_writer_open(&writer, arena_printf(shop->arena, "%s/text.txt", shop->dir))))
        return false;
    for (uint64_t k = 0; k < 30; k++)
        CHECK_OK(file_writer_printf(writer, "%s\n", synth_document(&(SynthOptions){.seed = 5}, k, shop->arena).text));
    const char *recipe = arena_printf(shop->arena,
        "version: 1\n"
        "seed: 7\n"
        "data: {text: %s/text.txt, tokenizer: char, seq_len: 32}\n"
        "model: {config: %s/model.json}\n"
        "optim: {lr: 1.0e-2, betas: [0.9, 0.99]}\n"
        "schedule: {warmup_steps: 3, min_lr: 1.0e-3}\n"
        "train: {steps: 24, batch_size: 8, eval_every: 8, eval_rows: 16, checkpoint_every: 4, keep_best: 2, log_every: 1, probe: false}\n",
        shop->dir, shop->dir);
    return CHECK_OK(file_writer_commit(writer)) && shop_write(shop, "model.json", model_json) &&
           shop_write(shop, "recipe.yaml", recipe);
}

void shop_close(Shop *shop)
{
    arena_free(shop->arena);
}

const char *shop_command(Shop *shop, const char *out, const char *flags)
{
    return arena_printf(shop->arena, "exec %s train %s/recipe.yaml --out %s/%s %s > %s/stdout 2> %s/stderr", JIKJI_BINARY, shop->dir,
                        shop->dir, out, flags, shop->dir, shop->dir);
}

const char *shop_read(Shop *shop, const char *name)
{
    const char *bytes = "";
    size_t n_bytes;
    CHECK_OK(file_read(&bytes, &n_bytes, shop->arena, arena_printf(shop->arena, "%s/%s", shop->dir, name)));
    return bytes;
}

/* Trains; returns the exit status. */
int shop_train(Shop *shop, const char *out, const char *flags)
{
    int status = system(shop_command(shop, out, flags));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool shop_train_ok(Shop *shop, const char *out, const char *flags)
{
    int status = shop_train(shop, out, flags);
    if (status != 0)
        test_note("%s", shop_read(shop, "stderr"));
    return CHECK_EQUAL(status, 0);
}

/* The last line of stdout as numbers. */
double shop_number(Shop *shop, const char *key)
{
    const char *text = shop_read(shop, "stdout");
    const char *at = strstr(text, arena_printf(shop->arena, "\"%s\":", key));
    return at ? atof(at + strlen(key) + 3) : NAN;
}

void shop_check_same_checkpoint(Shop *shop, const char *a, const char *b, const char *step)
{
    const char *const files[] = {"model.safetensors", "optimizer.safetensors", "state.json", "config.json", "tokenizer.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t hash_a = 1, hash_b = 2;
        CHECK_OK(file_hash(&hash_a, arena_printf(shop->arena, "%s/%s/checkpoints/%s/%s", shop->dir, a, step, files[i])));
        CHECK_OK(file_hash(&hash_b, arena_printf(shop->arena, "%s/%s/checkpoints/%s/%s", shop->dir, b, step, files[i])));
        if (hash_a != hash_b)
            test_note("%s of %s and %s differ", files[i], a, b);
        CHECK(hash_a == hash_b);
    }
}
