/* synth_portrait.c - the people of the village: what a seed decides once about everyone, told in portraits and orderings. */
#include "text/corpus/synth_tell.h"

#include "base/philox.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    int age, town, colour, hobby, animal, day, trade, friend;
} Portrait;

static Portrait portrait_of(uint64_t seed, int person)
{
    Dice dice = {.seed = seed, .document = (uint64_t)person, .stream = philox_stream("synth.village")};
    static const int age_min[] = {7, 24, 55}, age_range[] = {8, 22, 30};
    SynthAge age = synth_names[person].age;
    Portrait p = {
        .age = age_min[age] + dice_below(&dice, age_range[age]),
        .town = dice_below(&dice, n_synth_towns),
        .colour = dice_below(&dice, n_synth_colours),
        .hobby = dice_below(&dice, n_synth_hobbies),
        .animal = dice_below(&dice, n_synth_animals),
        .day = dice_below(&dice, n_synth_days),
        .trade = dice_below(&dice, n_synth_trades),
    };
    do
        p.friend = dice_below(&dice, n_synth_names);
    while (p.friend == person || synth_names[p.friend].is_title);
    return p;
}

/* Arguments: 1 the person, 2 onwards what is said. */

static void portrait_tell_ko(Teller *t, const Portrait *p, int person)
{
    const SynthName *name = &synth_names[person];
    char age[64];
    Phrase args[] = {person_phrase(t, name), {synth_towns[p->town].ko, false, false}};
    char own_name[PHRASE_BYTES];
    snprintf(own_name, sizeof own_name, "%s", args[0].text);
    args[0].text = own_name;
    tell(t, args[0].honoured ? "$1{은} $2에 {사신다|사세요|사십니다}. " : "$1{은} $2에 {산다|살아요|삽니다}. ", args);
    snprintf(age, sizeof age, "%s", korean_count(t, p->age, "살"));
    args[1].text = age;
    if (args[0].honoured)
        tell(t, "올해 연세는 $2{이다}. ", args);
    else
        TELL_ONE_OF(t, args, "나이는 $2{이다}. ", "올해 $2{이다}. ");
    if (name->age == AGE_ADULT) {
        const SynthTrade *trade = &synth_trades[p->trade];
        args[1].text = (const char *const[]){trade->plain, trade->polite, trade->formal}[t->level];
        tell(t, "$1{은} $2. ", args);
    }
    args[1].text = synth_colours[p->colour].ko;
    TELL_ONE_OF(t, args, "가장 좋아하는 색은 $2{이다}. ", "$1{이} 좋아하는 색은 $2{이다}. ");
    args[1].text = synth_days[p->day].ko;
    Phrase more[] = {args[0], args[1], {synth_hobbies[p->hobby].ko, false, false}};
    if (args[0].honoured)
        tell(t, "취미는 $3{이다}. $2마다 $3{을} {즐기신다|즐기세요|즐기십니다}. ", more);
    else
        tell(t, "취미는 $3{이다}. $2마다 $3{을} {즐긴다|즐겨요|즐깁니다}. ", more);
    more[1].text = synth_animals[p->animal].ko;
    tell(t, args[0].honoured ? "집에서는 $2를 한 마리 {기르신다|기르세요|기르십니다}. " : "집에서는 $2를 한 마리 {기른다|길러요|기릅니다}. ", more);
    Phrase friend_args[] = {args[0], person_phrase(t, &synth_names[p->friend])};
    if (name->age == AGE_CHILD)
        TELL_ONE_OF(t, friend_args, "가장 친한 친구는 $2{이다}.", "$1{은} $2{과} 가장 {친하다|친해요|친합니다}.");
    else
        TELL_ONE_OF(t, friend_args, "이웃 사람은 $2{이다}.", "바로 옆집에는 $2{이} {산다|살아요|삽니다}.");
    more[1].text = synth_colours[p->colour].ko;
    tell(t, "\n질문: $1{이} 좋아하는 색은 {무엇일까|무엇인가요|무엇입니까}?\n답: $2{이다}.", more);
    more[1].text = synth_towns[p->town].ko;
    tell(t, args[0].honoured ? "\n질문: $1{은} 어디에 {사실까|사시나요|사십니까}?\n답: $2에 {사신다|사세요|사십니다}."
                             : "\n질문: $1{은} 어디에 {살까|사나요|삽니까}?\n답: $2에 {산다|살아요|삽니다}.", more);
}

static void portrait_tell_en(Teller *t, const Portrait *p, int person)
{
    const SynthName *name = &synth_names[person];
    Phrase args[] = {person_phrase(t, name), {synth_towns[p->town].en, false, false}, {"", false, false}};
    tell(t, "$1 lives in $2. ", args);
    args[1].text = english_number(t, p->age);
    TELL_ONE_OF(t, args, "{he} is $2 years old. ", "$1 is $2 years old. ");
    if (name->age == AGE_ADULT) {
        args[1].text = english_a(t, synth_trades[p->trade].en);
        TELL_ONE_OF(t, args, "{he} is $2. ", "{he} works as $2. ");
    }
    args[1].text = synth_colours[p->colour].en;
    TELL_ONE_OF(t, args, "{his} favourite colour is $2. ", "The colour {he} likes best is $2. ");
    args[1].text = synth_hobbies[p->hobby].en;
    args[2].text = synth_days[p->day].en;
    TELL_ONE_OF(t, args, "{his} hobby is $2, and every $3 {he} makes time for it. ", "Every $3 {he} enjoys $2. ");
    args[1].text = english_a(t, synth_animals[p->animal].en);
    TELL_ONE_OF(t, args, "{he} has $2 at home. ", "At home {he} keeps $2. ");
    args[1] = person_phrase(t, &synth_names[p->friend]);
    tell(t, name->age == AGE_CHILD ? "{his} best friend is $2." : "{his} neighbour is $2.", args);
    args[1].text = synth_colours[p->colour].en;
    tell(t, "\nQuestion: What is the favourite colour of $1?\nAnswer: {he} likes $2 best.", args);
    args[1].text = synth_towns[p->town].en;
    tell(t, "\nQuestion: Where does $1 live?\nAnswer: {he} lives in $2.", args);
}

void portrait_tell(Teller *t, uint64_t seed, Dice dice)
{
    int person = dice_below(&dice, n_synth_names);
    Portrait portrait = portrait_of(seed, person);
    if (t->is_english)
        portrait_tell_en(t, &portrait, person);
    else
        portrait_tell_ko(t, &portrait, person);
}

/* Orderings: the ages of some villagers, and a few numbers. */

enum { ORDER_MAX = 6 };

static void sort(int *keys, int *values, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && keys[k - 1] > keys[k]; k--) {
            int key = keys[k], value = values[k];
            keys[k] = keys[k - 1], values[k] = values[k - 1];
            keys[k - 1] = key, values[k - 1] = value;
        }
}

static void order_tell_ages(Teller *t, uint64_t seed, Dice *dice)
{
    int people[ORDER_MAX], ages[ORDER_MAX], n = 0, n_wanted = 3 + dice_below(dice, 3);
    while (n < n_wanted) {
        int person = dice_below(dice, n_synth_names);
        bool is_new = !synth_names[person].is_title;
        for (int i = 0; i < n; i++)
            is_new = is_new && people[i] != person && ages[i] != portrait_of(seed, person).age;
        if (is_new) {
            people[n] = person;
            ages[n++] = portrait_of(seed, person).age;
        }
    }
    for (int i = 0; i < n; i++) {
        Phrase args[] = {person_phrase(t, &synth_names[people[i]]), {"", false, false}};
        args[1].text = t->is_english ? english_number(t, ages[i]) : korean_count(t, ages[i], "살");
        tell(t, t->is_english ? "$1 is $2 years old. " : "$1{은} $2{이다}. ", args);
    }
    sort(ages, people, n);
    bool oldest_first = dice_chance(dice, 50);
    if (t->is_english)
        tell(t, oldest_first ? "From the oldest to the youngest, they are " : "From the youngest to the oldest, they are ", NULL);
    else
        tell(t, oldest_first ? "나이가 많은 사람부터 차례로 쓰면 " : "나이가 적은 사람부터 차례로 쓰면 ", NULL);
    for (int i = 0; i < n; i++) {
        Phrase args[] = {person_phrase(t, &synth_names[people[oldest_first ? n - 1 - i : i]])};
        tell(t, i == 0 ? "$1" : t->is_english && i + 1 == n ? " and $1" : ", $1", args);
    }
    tell(t, t->is_english ? "." : "{이다}.", NULL);
    Phrase args[] = {person_phrase(t, &synth_names[people[n - 1]]), person_phrase(t, &synth_names[people[0]]), {"", false, false}};
    int difference = ages[n - 1] - ages[0];
    args[2].text = t->is_english ? tell_phrase(t, "%d", difference) : korean_count(t, difference, "살");
    tell(t, t->is_english ? "\n$1 is the oldest and $2 is the youngest; the difference is $3 years."
                          : "\n나이가 가장 많은 사람은 $1{이다}. 가장 적은 사람은 $2{이다}. 두 사람의 나이 차이는 $3{이다}.", args);
}

static void order_tell_numbers(Teller *t, Dice *dice)
{
    int numbers[ORDER_MAX], unused[ORDER_MAX] = {0}, n = 4 + dice_below(dice, 3);
    char given[96] = "", sorted[96] = "";
    for (int i = 0; i < n; i++) {
        bool is_new;
        do {
            numbers[i] = dice_below(dice, 100);
            is_new = true;
            for (int k = 0; k < i; k++)
                is_new = is_new && numbers[k] != numbers[i];
        } while (!is_new);
        snprintf(given + strlen(given), sizeof given - strlen(given), i ? ", %d" : "%d", numbers[i]);
    }
    sort(numbers, unused, n);
    bool falling = dice_chance(dice, 40);
    int sum = 0;
    for (int i = 0; i < n; i++) {
        snprintf(sorted + strlen(sorted), sizeof sorted - strlen(sorted), i ? ", %d" : "%d", numbers[falling ? n - 1 - i : i]);
        sum += numbers[i];
    }
    char figures[3][16];
    snprintf(figures[0], 16, "%d", numbers[n - 1]);
    snprintf(figures[1], 16, "%d", numbers[0]);
    snprintf(figures[2], 16, "%d", sum);
    Phrase args[] = {{given, false, false}, {sorted, false, false}, {figures[0], false, false}, {figures[1], false, false}, {figures[2], false, false}};
    if (t->is_english)
        tell(t, falling ? "\nThe numbers are $1. From the largest down: $2. " : "\nThe numbers are $1. From the smallest up: $2. ", args);
    else
        tell(t, falling ? "\n다음 수를 큰 것부터 쓰세요: $1\n답: $2. " : "\n다음 수를 작은 것부터 쓰세요: $1\n답: $2. ", args);
    tell(t, t->is_english ? "The largest is $3, the smallest is $4, and the sum is $5."
                          : "가장 큰 수는 $3{이다}. 가장 작은 수는 $4{이다}. 모두 더하면 $5{이다}.", args);
}

void order_tell(Teller *t, uint64_t seed, Dice dice)
{
    order_tell_ages(t, seed, &dice);
    int n = 2 + dice_below(&dice, 3);
    for (int i = 0; i < n; i++)
        order_tell_numbers(t, &dice);
    int day = dice_below(&dice, n_synth_days), season = dice_below(&dice, n_synth_seasons);
    Phrase args[4];
    for (int i = 0; i < 2; i++) {
        const SynthWord *d = &synth_days[(day + i) % n_synth_days], *s = &synth_seasons[(season + i) % n_synth_seasons];
        args[i] = (Phrase){t->is_english ? d->en : d->ko, false, false};
        args[2 + i] = (Phrase){t->is_english ? s->en : s->ko, false, false};
    }
    tell(t, t->is_english ? "\nThe day after $1 is $2. After $3 comes $4." : "\n$1의 다음 날은 $2{이다}. $3 다음에는 $4{이} {온다|와요|옵니다}.", args);
}
