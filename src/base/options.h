/* options.h - every setting is one row of one table.
 *
 * A struct with named fields and defaults; a table of rows says where each dotted name lives in it, its kind, bounds and help.
 * The same rows feed recipe files (YAML), flags (--optim.lr 3e-4, --set optim.lr=3e-4), --help, the resolved recipe that
 * a run records, and JSON. An unknown name is an error that names the nearest known one with its line; a value out of bounds
 * says the bounds.
 *
 *     static const Option options[] = {
 *         OPTION_REAL("optim.lr", TrainOptions, lr, 0.0, 1e3, "peak learning rate"),
 *         OPTION_CHOICE("schedule.name", TrainOptions, schedule, "constant|cosine", "shape of the learning rate"),
 *     };
 *     OptionTable table = {options, N_ELEMENTS(options)};                                                          */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    OPTION_KIND_INT,     /* int64_t; "1_000", "4k", "2.5M" (powers of ten) and "1e6" are understood */
    OPTION_KIND_REAL,    /* double */
    OPTION_KIND_BOOL,    /* bool; true|false */
    OPTION_KIND_TEXT,    /* const char *, NULL when unset (an empty text unsets); lives in the arena given to the reader */
    OPTION_KIND_CHOICE,  /* int: index into "a|b|c" */
    OPTION_KIND_REALS,   /* OptionReals: a YAML list or "0.9,0.95" */
    OPTION_KIND_TEXTS,   /* OptionTexts: a YAML list or "a,b"; a comma inside an element is written "\\," */
    OPTION_KIND_ITEMS,   /* OptionItems: a YAML list of names, each with a group of settings of its own or none; from text "a,b" */
} OptionKind;

enum { OPTION_LIST_MAX = 16 };
typedef struct {
    int n;
    double value[OPTION_LIST_MAX];
} OptionReals;
typedef struct {
    int n;
    const char *value[OPTION_LIST_MAX];
} OptionTexts;

/* `- quality: {rules: [gopher], least: {words: 3}}` is an item "quality" with settings rules = "gopher" and least.words = "3". Whoever
 * knows the item reads them into its own table with options_set. */
typedef struct {
    const char *name, *value, *where;  /* where: "recipe.yaml:12" */
} OptionSetting;
typedef struct {
    const char *name, *where;
    int n;
    const OptionSetting *settings;
} OptionItem;
enum { OPTION_ITEMS_MAX = 64 };
typedef struct {
    int n;
    const OptionItem *item;
} OptionItems;

typedef struct {
    const char *name;  /* dotted path in the recipe */
    OptionKind kind;
    size_t offset;  /* in the struct */
    double min, max;  /* numbers and list elements, inclusive */
    const char *choices;
    const char *help;  /* one line, lower case, no final dot */
} Option;

typedef struct {
    const Option *rows;
    int n_rows;
} OptionTable;

#define N_ELEMENTS(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define OPTION_INT(name, Struct, field, min, max, help) \
    {name, OPTION_KIND_INT, offsetof(Struct, field), min, max, NULL, help}
#define OPTION_REAL(name, Struct, field, min, max, help) \
    {name, OPTION_KIND_REAL, offsetof(Struct, field), min, max, NULL, help}
#define OPTION_BOOL(name, Struct, field, help) \
    {name, OPTION_KIND_BOOL, offsetof(Struct, field), 0, 1, NULL, help}
#define OPTION_TEXT(name, Struct, field, help) \
    {name, OPTION_KIND_TEXT, offsetof(Struct, field), 0, 0, NULL, help}
#define OPTION_CHOICE(name, Struct, field, choices, help) \
    {name, OPTION_KIND_CHOICE, offsetof(Struct, field), 0, 0, choices, help}
#define OPTION_REALS(name, Struct, field, min, max, help) \
    {name, OPTION_KIND_REALS, offsetof(Struct, field), min, max, NULL, help}
#define OPTION_TEXTS(name, Struct, field, help) \
    {name, OPTION_KIND_TEXTS, offsetof(Struct, field), 0, 0, NULL, help}
#define OPTION_ITEMS(name, Struct, field, help) \
    {name, OPTION_KIND_ITEMS, offsetof(Struct, field), 0, 0, NULL, help}

/* Reads a YAML recipe into `object`. Nested mappings become dotted names. `version: 1` is required at the top (and is not an option).
 * Texts live in `arena`. Rows that the recipe does not name keep their value; after an error the object is partly set. Errors:
 * "path:line: ..." for unknown keys (with the nearest), duplicate keys, wrong kinds, bounds, anchors and tags; ERR_UNSUPPORTED for another
 * version. */
Err options_read_yaml(const OptionTable *table, void *object, Arena *arena, const char *path);
Err options_read_yaml_text(const OptionTable *table, void *object, Arena *arena, const char *name, const char *text, size_t n_bytes);
/* Sets one option from text ("optim.lr", "3e-4"); `where` ("--set") opens the message. */
Err options_set(const OptionTable *table, void *object, Arena *arena, const char *where, const char *name, const char *value);
/* The option's value as text that options_set reads back equal; "" when unset. `name` must be known. */
const char *options_get(const OptionTable *table, const void *object, Arena *arena, const char *name);
/* Nearest known name by edit distance, NULL when nothing is near: for messages. */
const char *options_nearest(const OptionTable *table, const char *name);
/* The whole object as YAML with `version: 1`, in table order. */
const char *options_to_yaml(const OptionTable *table, const void *object, Arena *arena);
/* "  --optim.lr REAL      peak learning rate (0.001)" lines; defaults taken from `defaults`. Lives in `arena`. */
const char *options_help(const OptionTable *table, const void *defaults, Arena *arena);
/* What a value looks like, for help: "INT", "TEXT,...", "f32|bf16". */
const char *option_value_word(const Option *row);
/* XXH3-64 of options_to_yaml: a run's identity. */
uint64_t options_hash(const OptionTable *table, const void *object);

#endif
