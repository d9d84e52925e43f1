/* synth_lexicon.h - the words of the small world, in both languages. Private to synth. */
#ifndef CORPUS_SYNTH_LEXICON_H
#define CORPUS_SYNTH_LEXICON_H

#include <stdbool.h>

typedef enum { AGE_CHILD, AGE_ADULT, AGE_ELDER } SynthAge;

typedef struct {
    const char *ko, *en;
    bool is_female;
    SynthAge age;
    bool is_title;  /* 할머니, 김 선생님: honoured in Korean, no familiar -이 */
} SynthName;

typedef struct {
    const char *ko, *en;  /* en with its article: "the kitchen" */
    const char *at;       /* English preposition: in, at, on */
    int cluster;          /* places of a story are near each other */
    bool is_indoors;
    struct {
        const char *ko, *en;  /* what one does there; ko ends before the ending of the past, {a/b} is plain/honorific */
    } deeds[3];
} SynthPlace;

typedef struct {
    const char *ko, *en, *en_plural;
    const char *counter;  /* 개, 권, 장 ... */
    bool is_food;
    int price;  /* won, for sums */
} SynthThing;

typedef struct {
    const char *ko, *en;
} SynthWord;

typedef enum { SPOT_IN, SPOT_ON, SPOT_UNDER } SynthRelation;
typedef struct {
    const char *ko, *en;
    SynthRelation relation;
    bool is_indoors, is_outdoors;
} SynthSpotKind;

typedef struct {
    const char *ko, *en;
    const char *plain, *polite, *formal;  /* portrait: what they do for a living, present tense, Korean by level */
} SynthTrade;

extern const SynthName synth_names[];
extern const int n_synth_names;
extern const SynthPlace synth_places[];
extern const int n_synth_places;
enum { N_SYNTH_CLUSTERS = 5 };
extern const SynthThing synth_things[];
extern const int n_synth_things;
extern const SynthWord synth_looks[], synth_materials[], synth_colours[], synth_weathers[], synth_times[], synth_feelings[], synth_hobbies[],
    synth_animals[], synth_reasons[], synth_towns[], synth_days[], synth_seasons[];
extern const int n_synth_looks, n_synth_materials, n_synth_colours, n_synth_weathers, n_synth_times, n_synth_feelings, n_synth_hobbies,
    n_synth_animals, n_synth_reasons, n_synth_towns, n_synth_days, n_synth_seasons;
extern const SynthSpotKind synth_spot_kinds[];
extern const int n_synth_spot_kinds;
extern const SynthTrade synth_trades[];
extern const int n_synth_trades;

#endif
