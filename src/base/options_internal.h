/* options_internal.h - shared by the files of the option table only. */
#ifndef BASE_OPTIONS_INTERNAL_H
#define BASE_OPTIONS_INTERNAL_H

#include "base/options.h"

/* NULL when no row has this name. */
const Option *option_find(const OptionTable *table, const char *name);
/* "WHERE: unknown setting NAME; the nearest is ..." */
Err option_fail_unknown(const OptionTable *table, const char *where, const char *name);
/* Sets a row from the pieces of a list; other kinds take exactly one piece. `where` opens the message. */
Err option_set_pieces(const Option *row, void *object, Arena *arena, const char *where, const char *const *pieces, int n_pieces);
/* Back to "nothing": an unset text, an empty list. Other kinds cannot be unset. */
Err option_unset(const Option *row, void *object, const char *where);
bool option_is_list(const Option *row);
/* The element as it stands in "a,b": commas, brackets and blanks at its ends escaped. */
const char *option_escape_piece(Arena *arena, const char *piece);

#endif
