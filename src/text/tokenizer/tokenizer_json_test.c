/* tokenizer_json_test.c - tokenizer.json files that say something twice. What was read first must neither leak nor be written over: run under
 * AddressSanitizer these tests fail where it is. */
#include "text/tokenizer/tokenizer_internal.h"
#include "base/test.h"

#include <string.h>

#define MODEL "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a b\"]}"

static void check_refused(const char *json, const char *why)
{
    Tokenizer *tok = NULL;
    CHECK_EQUAL(tokenizer_read_json(&tok, "twice", json, strlen(json)), ERR_FORMAT);
    CHECK(strstr(err_message(), why) != NULL);
}

TEST(tokenizer_json, parts_given_twice_are_refused)
{
    check_refused("{" MODEL ", " MODEL "}", "a second \"model\"");
    check_refused("{\"post_processor\": {\"type\": \"ByteLevel\"}, \"post_processor\": {\"type\": \"ByteLevel\"}, " MODEL "}", "a second \"post_processor\"");
    check_refused("{\"decoder\": {\"type\": \"Fuse\"}, " MODEL ", \"decoder\": null}", "a second \"decoder\"");
    check_refused("{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\", \"precompiled_charsmap\": \"\"}, " MODEL "}",
                  "a second \"precompiled_charsmap\"");
}

TEST(tokenizer_json, a_split_ignores_what_metaspace_has)
{
    const char *json = "{\"pre_tokenizer\": {\"type\": \"Split\", \"replacement\": \"b\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Removed\"}, " MODEL "}";
    Tokenizer *tok = NULL;
    REQUIRE_OK(tokenizer_read_json(&tok, "split", json, strlen(json)));
    Arena *arena = arena_new();
    TokenSpan ids = tokenizer_encode(tok, arena, "bab", 3);
    REQUIRE(ids.n == 2);
    CHECK(ids.ids[0] == 1 && ids.ids[1] == 1);
    arena_free(arena);
    tokenizer_free(tok);
}
