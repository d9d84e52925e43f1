/* err_test.c - one line a thread, cut rather than overrun. */
#include "base/err.h"
#include "base/test.h"

#include <pthread.h>

TEST(err, prefix_comes_before_the_message)
{
    CHECK(err_set(ERR_FORMAT, "line %d", 3) == ERR_FORMAT);
    CHECK(err_prefix(ERR_FORMAT, "%s", "a.json") == ERR_FORMAT);
    CHECK_STRING(err_message(), "a.json: line 3");
    err_set(ERR_IO, "again %s", err_message());  /* the old message may be an argument */
    CHECK_STRING(err_message(), "again a.json: line 3");
}

TEST(err, long_messages_are_cut)
{
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(ERR_IO, "%s", text);
    CHECK_EQUAL(strlen(err_message()), 1023);
    err_prefix(ERR_IO, "p");
    CHECK_EQUAL(strlen(err_message()), 1023);
    CHECK(strncmp(err_message(), "p: xxx", 6) == 0);
    err_prefix(ERR_IO, "%s", text);
    CHECK_EQUAL(strlen(err_message()), 1023);
}

static void *fail_elsewhere(void *unused)
{
    err_set(ERR_IO, "other");
    return unused;
}

TEST(err, each_thread_has_its_own)
{
    err_set(ERR_IO, "mine");
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, fail_elsewhere, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_STRING(err_message(), "mine");
}

static Err stop_early(int *n_steps)
{
    Err err;
    TRY_GOTO(err, OK, out);
    (*n_steps)++;
    TRY_GOTO(err, ERR_COMM, out);
    (*n_steps)++;
out:
    TRY(err);
    (*n_steps)++;
    return OK;
}

TEST(err, try_stops_at_the_first_failure)
{
    int n_steps = 0;
    CHECK(stop_early(&n_steps) == ERR_COMM);
    CHECK_EQUAL(n_steps, 1);
    CHECK_STRING(err_name(ERR_COMM), "communication failure");
}
