/* synth_tell.h - from events to sentences: a buffer and a small template language. Private to synth.
 *
 *   $1 ... $9        an argument
 *   {은} {이} {을}   the particle that fits the last sound; after an honoured person 께서는, 께서, and {에게} is 께
 *   {a/b}            a, or b when the subject (argument 1) is honoured
 *   {a|b|c}          by level of speech: plain, polite, formal
 *   {다}             ending of the past after ㅆ: 다, 어요, 습니다
 *   {이었}           copula of the past: 이었 or 였;   {이다} of the present: 다, 이에요/예요, 입니다
 *   {S}              Korean subject with its topic particle and a space, or nothing when it is clear
 *   {he} {his} {him} English pronouns of argument 1; {S} its name or he/she
 * English sentences get their capital after the fact, so arguments may be written small. */
#ifndef CORPUS_SYNTH_TELL_H
#define CORPUS_SYNTH_TELL_H

#include "text/corpus/synth_world.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { LEVEL_PLAIN, LEVEL_POLITE, LEVEL_FORMAL } SpeechLevel;

typedef struct {
    const char *text;
    bool honoured, is_female;
} Phrase;

enum { TELL_BYTES_MAX = 16384, PHRASE_BYTES = 128 };
typedef struct {
    char bytes[TELL_BYTES_MAX];
    size_t n;
    Dice dice;
    bool is_english;
    SpeechLevel level;
    bool familiar;         /* 민준이: a child's name takes -이 after a consonant */
    bool subject_is_clear; /* the present sentence may leave its subject out, or say he or she */
    int last_subject;      /* person of the last sentence, -1: none */
    bool last_was_alone;   /* it named nobody else */
    uint32_t spots_named, objects_named;  /* English: a the first time, then the */
    char scratch[16][PHRASE_BYTES];       /* phrases of the present sentence */
    int n_scratch;
} Teller;

void teller_start(Teller *t, bool is_english, uint64_t seed, uint64_t document);
/* Appends the template with its arguments. */
void tell(Teller *t, const char *template, const Phrase *args);
/* One of several templates, ended by NULL. */
void tell_one_of(Teller *t, const Phrase *args, const char *const *templates);
#define TELL_ONE_OF(t, args, ...) tell_one_of((t), (args), (const char *const[]){__VA_ARGS__, NULL})
/* A phrase that lives for the present sentence. */
const char *tell_phrase(Teller *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Before each sentence about `person`: decides whether the subject can be left out or said by pronoun. */
void tell_subject(Teller *t, int person, bool names_others);

/* The tellers of each language. */
void story_tell_ko(const Story *story, Teller *t);
void story_tell_en(const Story *story, Teller *t);
/* Questions that both languages ask: drawn once, so a parallel document asks the same. */
typedef enum { ASK_OBJECT_PLACE, ASK_HOLDER, ASK_PERSON_PLACE, ASK_PILE, ASK_GIVER, ASK_BELIEF, ASK_FIRST_SPOT } QuestionKind;
typedef struct {
    QuestionKind kind;
    int person, other, object;
} Question;
enum { QUESTIONS_MAX = 4 };
int story_questions(const Story *story, Dice *dice, Question questions[QUESTIONS_MAX]);
void questions_tell_ko(const Story *story, Teller *t, const Question *questions, int n);
void questions_tell_en(const Story *story, Teller *t, const Question *questions, int n);

/* Documents other than stories. What `dice` draws is the same in both languages; wording is the teller's own. */
void letter_tell(Teller *t, const Story *story, Dice dice);  /* what happened, told to a friend */
void portrait_tell(Teller *t, uint64_t seed, Dice dice);     /* a person of the village, the same in every document of a seed */
void sums_tell(Teller *t, Dice dice);
void order_tell(Teller *t, uint64_t seed, Dice dice);
void conversation_tell(Teller *t, Dice dice);

/* English number words, up to 99. */
const char *english_number(Teller *t, int n);
/* "a red book", "an old map". */
const char *english_a(Teller *t, const char *phrase);
/* The words of number n in Korean before `counter`: 두 개, 열한 권. */
const char *korean_count(Teller *t, int n, const char *counter);

Phrase person_phrase(Teller *t, const SynthName *name);

#endif
