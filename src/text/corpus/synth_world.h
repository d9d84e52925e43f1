/* synth_world.h - what happens before it is told: a few people, places, spots and objects, and a log of events. Private to synth. */
#ifndef CORPUS_SYNTH_WORLD_H
#define CORPUS_SYNTH_WORLD_H

#include "text/corpus/synth_lexicon.h"

#include <stdbool.h>
#include <stdint.h>

/* Dice that are a pure function of (seed, stream, document, throw). */
typedef struct {
    uint64_t seed, document, n_thrown;
    uint32_t stream;
} Dice;
int dice_below(Dice *dice, int n);       /* [0, n) */
bool dice_chance(Dice *dice, int percent);

enum { PEOPLE_MAX = 4, PLACES_MAX = 4, SPOTS_MAX = 5, OBJECTS_MAX = 4, EVENTS_MAX = 24, GONE = -1 };

/* An object is held by a person or lies at a spot. */
typedef struct {
    bool held;
    int index;
} WhereIs;

typedef enum {
    EVENT_MOVE,     /* person goes to place */
    EVENT_TAKE,     /* person takes object from spot */
    EVENT_PUT,      /* person puts object at spot */
    EVENT_GIVE,     /* person gives object to other */
    EVENT_SEARCH,   /* person looks for object at spot, where it is not */
    EVENT_ASK,      /* person asks other where object is; other answers `answer` or does not know */
    EVENT_EAT,      /* person takes `count` of the pile and eats them */
    EVENT_ADD,      /* person brings `count` more to the pile */
    EVENT_DEED,     /* person does what one does at the place: number `count` */
    EVENT_FEEL,     /* person feels `count` */
    EVENT_LEAVE,    /* person goes home and is in no place of the story */
    EVENT_MEET,     /* person, just arrived, greets other */
    N_EVENTS
} EventKind;

typedef struct {
    EventKind kind;
    int person, other, object, spot, place, count;
    bool knows;       /* ASK */
    WhereIs answer;   /* ASK: what other believes, which may be wrong */
} Event;

typedef struct {
    /* What there is: indices into the lexicon. */
    int n_people, n_places, n_spots, n_objects;
    int people[PEOPLE_MAX], places[PLACES_MAX];
    struct {
        int kind, material, place;  /* place: index into places[] */
    } spots[SPOTS_MAX];
    struct {
        int thing, look;
    } objects[OBJECTS_MAX];
    int pile_thing, pile_spot;  /* a heap of equal food at a spot; pile_thing -1: none */
    int time, weather;

    /* How it began, and how it is now. */
    int place_first[PEOPLE_MAX], place_now[PEOPLE_MAX];  /* GONE: went home */
    WhereIs object_first[OBJECTS_MAX], object_now[OBJECTS_MAX];
    int pile_first, pile_now;
    /* What each person last saw of each object. `stale` when someone else may have moved it unseen but the person has been in the room
     * since, so that what they believe is open. */
    struct {
        bool known, stale;
        WhereIs where;
    } belief[PEOPLE_MAX][OBJECTS_MAX];

    Event events[EVENTS_MAX];
    int n_events;
} Story;

void story_simulate(Story *story, Dice *dice, int n_events);
/* Where the object is: the place of its holder or spot; GONE when its holder went home (never: one leaves with empty hands). */
int story_object_place(const Story *story, int object);
bool where_equal(WhereIs a, WhereIs b);
/* Applies one event to the state, as telling it promises. False when it cannot happen now: the checker's whole knowledge. */
bool story_apply(Story *story, const Event *event);

#endif
