/* document_files.c - which files the arguments of a command mean. */
#include "base/file.h"
#include "text/corpus/document.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char **paths;
    int n, room;
    Arena *arena;
} FileList;

static void file_list_add(FileList *list, const char *path)
{
    if (list->n == list->room) {
        list->room = 2 * list->room + 16;
        list->paths = mem_realloc(list->paths, (size_t)list->room * sizeof *list->paths);
    }
    list->paths[list->n++] = arena_strdup(list->arena, path);
}

/* Names are sorted in each folder, so the order is that of the paths, whatever the file system's. */
static Err file_list_add_tree(FileList *list, const char *path)
{
    if (!file_is_dir(path)) {
        file_list_add(list, path);
        return OK;
    }
    char **names;
    int n_names;
    TRY(file_list_dir(&names, &n_names, list->arena, path));
    for (int i = 0; i < n_names; i++)
        if (names[i][0] != '.')
            TRY(file_list_add_tree(list, arena_printf(list->arena, "%s/%s", path, names[i])));
    return OK;
}

static Err file_list_add_argument(FileList *list, const char *argument)
{
    if (strcmp(argument, "-") == 0) {
        file_list_add(list, argument);
        return OK;
    }
    if (file_exists(argument))
        return file_list_add_tree(list, argument);
    glob_t matches = {0};
    if (!strpbrk(argument, "*?[") || glob(argument, 0, NULL, &matches) != 0) {
        globfree(&matches);
        return err_set(ERR_IO, "%s: no such file or folder", argument);
    }
    Err err = OK;
    for (size_t i = 0; i < matches.gl_pathc && err == OK; i++)
        err = file_list_add_tree(list, matches.gl_pathv[i]);
    globfree(&matches);
    return err;
}

Err document_list_files(char ***paths, int *n_paths, Arena *arena, const char *const *arguments, int n_arguments)
{
    FileList list = {.arena = arena};
    Err err = OK;
    for (int i = 0; i < n_arguments && err == OK; i++)
        err = file_list_add_argument(&list, arguments[i]);
    if (err == OK && list.n == 0)
        err = err_set(ERR_IO, "%s: holds no file", n_arguments > 0 ? arguments[0] : "no input");
    *n_paths = list.n;
    *paths = arena_alloc(arena, (size_t)list.n * sizeof **paths);
    if (list.n > 0)
        memcpy(*paths, list.paths, (size_t)list.n * sizeof **paths);
    free(list.paths);
    return err;
}
