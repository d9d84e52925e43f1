/* synth_test.c - the small world does not contradict itself, is the same for the same seed, and writes clean text. */
#include "base/log.h"
#include "base/test.h"
#include "text/corpus/hash.h"
#include "text/corpus/synth_internal.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { N_DOCUMENTS = 3000 };

TEST(synth, a_document_depends_on_seed_and_number_only)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 5};
    SynthDocument a[20];
    for (int k = 0; k < 20; k++)
        a[k] = synth_document(&options, (uint64_t)k, arena);
    int n_same_elsewhere = 0;
    for (int k = 19; k >= 0; k--) {
        CHECK_STRING(synth_document(&options, (uint64_t)k, arena).text, a[k].text);
        SynthOptions other = {.seed = 6};
        n_same_elsewhere += strcmp(synth_document(&other, (uint64_t)k, arena).text, a[k].text) == 0;
    }
    CHECK_EQUAL(n_same_elsewhere, 0);
    arena_free(arena);
}

TEST(synth, text_is_well_formed_nfc_of_the_promised_length)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 1};
    int n_language[5] = {0};
    int64_t n_bytes = 0;
    for (uint64_t k = 0; k < N_DOCUMENTS; k++) {
        SynthDocument d = synth_document(&options, k, arena);
        CHECK(utf8_is_valid(d.text, d.n_bytes));
        CHECK(normalize_is(NORMALIZE_NFC, d.text, d.n_bytes));
        CHECK(d.n_bytes >= 150 && d.n_bytes <= 4000);
        CHECK(!strpbrk(d.text, "{}$|") && !strstr(d.text, "  ") && !strstr(d.text, " \n") && !strstr(d.text, ".."));
        CHECK_EQUAL(d.n_bytes, strlen(d.text));
        bool has_hangul = false;
        for (const char *at = d.text; *at; at++)
            has_hangul = has_hangul || (unsigned char)*at >= 0xEA;
        CHECK(has_hangul == (d.language != SYNTH_EN));
        n_language[d.language]++;
        n_bytes += (int64_t)d.n_bytes;
        arena_reset(arena);
    }
    CHECK(n_language[SYNTH_KO] > N_DOCUMENTS / 3 && n_language[SYNTH_EN] > N_DOCUMENTS / 3 && n_language[SYNTH_PARALLEL] > N_DOCUMENTS / 20);
    CHECK(n_bytes / N_DOCUMENTS > 500 && n_bytes / N_DOCUMENTS < 1500);
    arena_free(arena);
}

/* Goal: no two documents alike, and a vocabulary of several hundred words. */
TEST(synth, documents_are_varied)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 2};
    static Hash128 seen[N_DOCUMENTS];
    int n_twins = 0;
    static uint64_t words[1 << 16];
    int n_words[2] = {0};
    for (int k = 0; k < N_DOCUMENTS; k++) {
        SynthDocument d = synth_document(&options, (uint64_t)k, arena);
        seen[k] = hash128(d.text, d.n_bytes, 0);
        for (int i = 0; i < k; i++)
            n_twins += seen[i].low == seen[k].low && seen[i].high == seen[k].high;
        for (const char *at = d.text; *at;) {
            size_t n = strcspn(at, " .,!?\n\"':");
            uint64_t hash = hash64(at, n, 0) | 1;
            size_t slot = hash % (1 << 16);
            while (words[slot] && words[slot] != hash)
                slot = (slot + 1) % (1 << 16);
            if (n > 0 && !words[slot]) {
                words[slot] = hash;
                n_words[(unsigned char)*at >= 0x80]++;
            }
            at += n + (at[n] != '\0');
        }
        arena_reset(arena);
    }
    CHECK(n_twins <= N_DOCUMENTS / 100);  /* portraits of the same person may be told in the same words */
    CHECK(n_words[0] > 500 && n_words[1] > 1000);
    test_note("%d English words, %d Korean eojeol forms, %d twins of %d", n_words[0], n_words[1], n_twins, N_DOCUMENTS);
    arena_free(arena);
}

/* A second, simpler opinion of the world: who is where, what lies where, from the log of what was told. */
typedef struct {
    int place[PEOPLE_MAX], holder[OBJECTS_MAX], spot[OBJECTS_MAX], pile;
} Replay;

/* The object is where the event says it is, with the person in the same room. */
static bool replay_event(const Story *s, Replay *r, const Event *e)
{
    int here = r->place[e->person];
    if (here == GONE)
        return false;
    bool beside_other = r->place[e->other] == here && e->other != e->person;
    switch (e->kind) {
    case EVENT_MOVE: r->place[e->person] = e->place; return e->place != here;
    case EVENT_LEAVE:
        for (int o = 0; o < s->n_objects; o++)
            if (r->holder[o] == e->person)
                return false;
        r->place[e->person] = GONE;
        return true;
    case EVENT_TAKE:
        if (r->holder[e->object] >= 0 || r->spot[e->object] != e->spot || s->spots[e->spot].place != here)
            return false;
        r->holder[e->object] = e->person;
        return true;
    case EVENT_PUT:
        if (r->holder[e->object] != e->person || s->spots[e->spot].place != here)
            return false;
        r->holder[e->object] = -1;
        r->spot[e->object] = e->spot;
        return true;
    case EVENT_GIVE:
        if (r->holder[e->object] != e->person || !beside_other)
            return false;
        r->holder[e->object] = e->other;
        return true;
    case EVENT_SEARCH: return s->spots[e->spot].place == here && (r->holder[e->object] >= 0 || r->spot[e->object] != e->spot);
    case EVENT_ASK: case EVENT_MEET: return beside_other;
    case EVENT_EAT: r->pile -= e->count; return r->pile >= 0 && s->spots[s->pile_spot].place == here;
    case EVENT_ADD: r->pile += e->count; return s->spots[s->pile_spot].place == here;
    case EVENT_DEED: return e->place == here;
    default: return true;
    }
}

/* The line after "Answer: " number `i`. */
static const char *answer_line(const char *text, int i, Arena *arena)
{
    const char *at = text;
    for (int k = 0; k <= i && at; k++)
        at = strstr(k ? at + 1 : at, "Answer: ");
    return at ? arena_strndup(arena, at + 8, strcspn(at + 8, "\n")) : "";
}

/* The answer names what the replay says. */
static bool answer_is_right(const Story *s, const Replay *r, const Question *q, const char *answer)
{
    int holder = r->holder[q->object], spot = r->spot[q->object];
    const char *room = holder >= 0 ? synth_places[s->places[r->place[holder]]].en : synth_places[s->places[s->spots[spot].place]].en;
    switch (q->kind) {
    case ASK_OBJECT_PLACE:
        return strstr(answer, room) && strstr(answer, holder >= 0 ? synth_names[s->people[holder]].en + 1
                                                                  : synth_spot_kinds[s->spots[spot].kind].en);
    case ASK_HOLDER: return strstr(answer, synth_names[s->people[holder]].en + 1) != NULL;
    case ASK_PERSON_PLACE:
        return strstr(answer, r->place[q->person] == GONE ? "at home" : synth_places[s->places[r->place[q->person]]].en) != NULL;
    case ASK_PILE: return r->pile == 0 ? strstr(answer, "none") != NULL : strstr(answer, "left") != NULL;
    default: return answer[0] != '\0';
    }
}

/* Goal: whoever acts is there, whatever is taken is there, and the answers are the state. Method: the second opinion above, on the log of
 * each story and on its English text. */
TEST(synth, stories_never_contradict_themselves)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 9, .languages = SYNTH_EN};
    int n_stories = 0, n_events = 0, n_questions = 0, n_kinds[N_EVENTS] = {0};
    for (uint64_t k = 0; k < N_DOCUMENTS; k++) {
        SynthPlan plan = synth_plan(&options, k);
        const Story *s = &plan.story;
        if (plan.kind != 0)
            continue;
        Replay r = {.pile = s->pile_first};
        memcpy(r.place, s->place_first, sizeof r.place);
        for (int o = 0; o < s->n_objects; o++) {
            r.holder[o] = s->object_first[o].held ? s->object_first[o].index : -1;
            r.spot[o] = s->object_first[o].held ? -1 : s->object_first[o].index;
        }
        for (int i = 0; i < s->n_events; i++) {
            CHECK(replay_event(s, &r, &s->events[i]));
            n_kinds[s->events[i].kind]++;
        }
        SynthDocument d = synth_document(&options, k, arena);
        for (int i = 0; i < plan.n_questions; i++)
            CHECK(answer_is_right(s, &r, &plan.questions[i], answer_line(d.text, i, arena)));
        n_stories++, n_events += s->n_events, n_questions += plan.n_questions;
        arena_reset(arena);
    }
    for (int kind = 0; kind < N_EVENTS; kind++)
        CHECK(n_kinds[kind] > 0);
    test_note("%d stories, %d events, %d questions", n_stories, n_events, n_questions);
    arena_free(arena);
}

/* Goal: one level of speech in a story. Method: outside quotes and answers a sentence ends in 다., 요. or 니다., and only in one way. */
TEST(synth, a_korean_story_keeps_its_level_of_speech)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 4, .languages = SYNTH_KO};
    for (uint64_t k = 0; k < N_DOCUMENTS / 3; k++) {
        SynthDocument d = synth_document(&options, k, arena);
        int n_levels[3] = {0};
        bool quoted = false;
        for (const char *at = d.text; *at && strcmp(d.kind, "story") == 0; at++) {
            quoted ^= *at == '"';
            if (quoted || *at != '.' || at - d.text < 9)
                continue;
            const char *end = at - 3;
            bool formal = strncmp(at - 6, "니다", 6) == 0 && strncmp(at - 9, "머", 3) != 0;  /* 할머니다. is plain */
            if (strncmp(end, "요", 3) == 0)
                n_levels[1]++;
            else if (formal)
                n_levels[2]++;
            else if (strncmp(end, "다", 3) == 0)
                n_levels[0]++;
            else
                CHECK(!"a sentence ends in 다 or 요");
        }
        CHECK((n_levels[0] > 0) + (n_levels[1] > 0) + (n_levels[2] > 0) <= 1);
        arena_reset(arena);
    }
    arena_free(arena);
}

BENCH(synth, bytes_per_second)
{
    Arena *arena = arena_new();
    SynthOptions options = {.seed = 1};
    int n = test_bench_full() ? 20000 : 200;
    double start = clock_seconds();
    int64_t n_bytes = 0;
    for (int k = 0; k < n; k++) {
        n_bytes += (int64_t)synth_document(&options, (uint64_t)k, arena).n_bytes;
        arena_reset(arena);
    }
    test_note("%.1f MB/s on one core", (double)n_bytes / (clock_seconds() - start) / 1e6);
    arena_free(arena);
}
