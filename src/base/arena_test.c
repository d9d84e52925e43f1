#include "base/arena.h"
#include "base/test.h"

#include <stdint.h>

/* Goal: blocks are aligned, zeroed and do not overlap, across chunk borders and after a reset.
 * Method: fill every block with its number, then look again. */
TEST(arena, blocks_are_aligned_zeroed_and_apart)
{
    Arena *arena = arena_new();
    for (int round = 0; round < 2; round++) {
        unsigned char *blocks[500];
        for (int i = 0; i < 500; i++) {
            blocks[i] = arena_alloc(arena, (size_t)i * 7);
            CHECK((uintptr_t)blocks[i] % 64 == 0);
            for (int b = 0; b < i * 7; b++)
                if (blocks[i][b])
                    CHECK(!"a fresh block is zero");
            memset(blocks[i], i & 255, (size_t)i * 7);
        }
        for (int i = 0; i < 500; i++)
            for (int b = 0; b < i * 7; b++)
                if (blocks[i][b] != (i & 255))
                    CHECK(!"a block kept its bytes");
        CHECK_EQUAL(arena_used_bytes(arena), 499 * 500 / 2 * 7);
        arena_reset(arena);
    }
    arena_free(arena);
}

TEST(arena, printf_makes_text_of_any_length)
{
    Arena *arena = arena_new();
    char *text = arena_printf(arena, "%0*d-%s", 5000, 7, "end");
    CHECK_EQUAL(strlen(text), 5004);
    CHECK_STRING(text + 4999, "7-end");
    arena_free(arena);
}
