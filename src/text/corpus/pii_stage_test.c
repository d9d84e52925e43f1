/* pii_stage_test.c - what each policy leaves of a value, and that the log tells when it was changed. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/pii_stage.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

/* FIPS 180-4 and RFC 4231 examples. */
TEST(sha256, standard_examples)
{
    char hex[65];
    Sha256 hash = sha256("abc", 3);
    sha256_hex(hex, &hash);
    CHECK_STRING(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash = sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    sha256_hex(hex, &hash);
    CHECK_STRING(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    hash = sha256_hmac("Jefe", 4, "what do ya want for nothing?", 28);
    sha256_hex(hex, &hash);
    CHECK_STRING(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static const char *apply(Arena *arena, PiiPolicy policy, const char *text)
{
    PiiOptions options = pii_options_default();
    options.policy = policy;
    PiiSpans spans = pii_find(arena, text, strlen(text));
    size_t n;
    return pii_apply(arena, &options, text, strlen(text), &spans, &n);
}

TEST(pii_stage, policies_keep_the_form_and_lose_the_value)
{
    Arena *arena = arena_new();
    const char *text = "전화 010-1234-5678로, 메일 a.b@c.com으로, 주민 900101-1234567.";
    CHECK_STRING(apply(arena, PII_MASK, text), "전화 010-****-****로, 메일 *.*@*.***으로, 주민 ******-*******.");
    CHECK_STRING(apply(arena, PII_TAG, text), text);
    const char *other = apply(arena, PII_PSEUDONYM, text);
    CHECK_STRING(apply(arena, PII_PSEUDONYM, text), other);
    CHECK(!strstr(other, "1234-5678") && !strstr(other, "900101") && !strstr(other, "a.b@") && strstr(other, "@example.com으로") && strstr(other, "전화 010-"));
    CHECK_STRING(apply(arena, PII_MASK, "０１０－１２３４－５６７８"), "010－****－****");
    arena_free(arena);
}

TEST(pii_stage, the_log_holds_no_value_and_shows_every_change)
{
    Arena *arena = arena_new();
    const char *in = arena_printf(arena, "%s/in.jsonl", test_dir()), *out = arena_printf(arena, "%s/out.jsonl", test_dir());
    const char *log = arena_printf(arena, "%s/audit.jsonl", test_dir());
    char lines[4000] = "";
    for (int i = 0; i < 10; i++)
        sprintf(lines + strlen(lines), "{\"id\":%d,\"text\":\"번호 010-9876-%04d이고 메일 u%d@mail.com\"}\n", i, i, i);
    REQUIRE_OK(file_write(in, lines, strlen(lines)));
    PiiOptions options = pii_options_default();
    options.audit = log;
    PiiStage state;
    Stage stage;
    pii_stage_new(&stage, &state, &options);
    StageReport report;
    StageOptions how = {.inputs = &in, .n_inputs = 1, .documents = document_options_default(), .out = out};
    REQUIRE_OK(stage_run(&report, &stage, &how));
    CHECK_EQUAL(state.n_found[PII_PHONE], 10);
    CHECK_EQUAL(state.n_found[PII_EMAIL], 10);
    CHECK_EQUAL(report.n_changed, 10);

    const char *bytes;
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, log));
    CHECK(!strstr(bytes, "9876-") && !strstr(bytes, "0109876") && !strstr(bytes, "mail.com"));  /* hex digests hold some 9876 by chance */
    const char *written;
    size_t n_written;
    REQUIRE_OK(file_read(&written, &n_written, arena, out));
    CHECK(!strstr(written, "9876") && strstr(written, "{\"id\":0,\"text\":\"번호 010-****-****이고") && strstr(written, "\"spans\":[[\"phone\","));
    int64_t n_lines;
    CHECK_OK(pii_audit_check(log, &n_lines));
    CHECK_EQUAL(n_lines, 20);
    char *copy = arena_strndup(arena, bytes, n);
    char *digit = strstr(copy + n / 2, "\"begin\":") + 8;
    *digit = *digit == '9' ? '8' : (char)(*digit + 1);
    REQUIRE_OK(file_write(log, copy, n));
    CHECK(pii_audit_check(log, &n_lines) == ERR_FORMAT);
    const char *second = strchr(bytes, '\n') + 1;
    REQUIRE_OK(file_write(log, second, n - (size_t)(second - bytes)));
    CHECK(pii_audit_check(log, &n_lines) == ERR_FORMAT);
    arena_free(arena);
}
