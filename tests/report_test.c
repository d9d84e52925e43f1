/* report_test.c - the records of a run, end to end: what train leaves in its folder, and the page that `jikji report` makes of it. */
#include "shop.h"

#include "base/file.h"
#include "base/test.h"
#include "study/track/run_record.h"

#include <stdlib.h>

static int run_report(Shop *shop, const char *words)
{
    int status = system(arena_printf(shop->arena, "%s report %s > %s/stdout 2> %s/stderr", JIKJI_BINARY, words, shop->dir, shop->dir));
    return status < 0 ? -1 : status >> 8;
}

/* Goal: one command after a run gives a page that holds its curves, samples, memory, forecast beside outcome, and recipe. */
TEST(report, a_run_becomes_one_page)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_train_ok(&shop, "run", "--train.sample 'The ' --train.sample_tokens 8 --train.threads 1"));
    CHECK_EQUAL(run_report(&shop, arena_printf(shop.arena, "%s/run --language ko", shop.dir)), 0);
    const char *page = shop_read(&shop, "run/report.html");
    static const char *const parts[] = {"<html lang=\"ko\">", "Loss", "Learning rate", "Gradient norm", "tokens per second", "Samples", "모멘트",
                                        "Forecast and outcome", "None: every step was finite.", "weight_decay: 0.1", "</html>"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!CHECK(strstr(page, parts[i])))
            test_note("missing: %s", parts[i]);
    CHECK(!strstr(page, "<script") && !strstr(page, "http"));
    shop_close(&shop);
}

/* Goal: what was forecast and what came are both kept, so that one can be held against the other. */
TEST(report, forecast_and_outcome_are_read_back)
{
    Shop shop;
    RunRecord record;
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_train_ok(&shop, "run", "--train.threads 1"));
    REQUIRE_OK(run_record_read(&record, shop.arena, arena_printf(shop.arena, "%s/run/", shop.dir)));
    CHECK_STRING(record.name, "run");
    CHECK_EQUAL(record.series[RUN_LOSS].n, 24);
    CHECK_EQUAL(record.series[RUN_VAL_LOSS].n, 3);
    CHECK(run_number(&record.forecast, "memory.gradients") > 0);
    CHECK(run_number(&record.forecast, "tokens") == run_number(&record.outcome, "tokens"));
    CHECK(isnan(run_number(&record.outcome, "no_such")));
    shop_close(&shop);
}

TEST(report, a_folder_without_a_run_is_an_error)
{
    Shop shop = {arena_new(), test_dir()};
    CHECK_EQUAL(run_report(&shop, shop.dir), 2);
    CHECK(strstr(shop_read(&shop, "stderr"), "holds no run"));
    shop_write(&shop, "log.jsonl", "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":\n");
    CHECK_EQUAL(run_report(&shop, shop.dir), 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "log.jsonl:2"));
    arena_free(shop.arena);
}

/* Goal: the page of a run in its first steps, or after incidents, is a page too. Method: logs written by hand. */
TEST(report, incidents_are_named_and_an_empty_log_is_a_page)
{
    Shop shop = {arena_new(), test_dir()};
    shop_write(&shop, "log.jsonl", "");
    CHECK_EQUAL(run_report(&shop, shop.dir), 0);
    shop_write(&shop, "log.jsonl", "{\"step\":1,\"loss\":2.0}\n{\"step\":2,\"event\":\"bad_step\",\"what\":\"a <norm>\"}\n");
    CHECK_EQUAL(run_report(&shop, shop.dir), 0);
    const char *page = shop_read(&shop, "report.html");
    CHECK(strstr(page, "2: bad_step") && strstr(page, "a &lt;norm&gt;") && !strstr(page, "nan"));
    arena_free(shop.arena);
}

/* Goal: the trace holds each call of the step asked for, inside its segment, and all FLOPs of the plan; tests/oracle/check_trace.py judges the format. */
TEST(report, the_trace_of_a_step_holds_the_flops_of_the_plan)
{
    Shop shop;
    RunRecord record;
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_train_ok(&shop, "run", "--train.threads 1 --train.steps 4 --train.micro_batch_size 4 --record.trace_step 2"));
    REQUIRE_OK(run_record_read(&record, shop.arena, arena_printf(shop.arena, "%s/run", shop.dir)));
    double flops = 0;
    const char *trace = shop_read(&shop, "run/trace-step-2.json");
    for (const char *p = trace; (p = strstr(p, "\"flops\":")); p++)
        flops += strtod(p + 8, NULL);
    CHECK_CLOSE(flops / run_number(&record.forecast, "program_flops_per_step"), 1.0, 1e-9);
    static const char *const parts[] = {"{\"ph\":\"X\",\"name\":\"step 2\"", "\"forward 1\"", "\"backward 0\"", "\"update\"", "\"h.1.attn.", "\"ts\":", "]}\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!CHECK(strstr(trace, parts[i])))
            test_note("missing: %s", parts[i]);
    CHECK(!strstr(trace, "step 1\""));
    shop_close(&shop);
}

/* Goal: Graphviz draws what `inspect graph --dot` prints; where it is not installed, the drawing still has its parts. */
TEST(report, a_graph_is_drawn_for_graphviz)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    int status = system(arena_printf(shop.arena, "%s inspect graph %s/recipe.yaml --dot > %s/graph.dot && (! command -v dot > %s/where ||"
                                     " dot -Tplain %s/graph.dot > %s/graph.txt)", JIKJI_BINARY, shop.dir, shop.dir, shop.dir, shop.dir, shop.dir));
    CHECK_EQUAL(status, 0);
    const char *dot = shop_read(&shop, "graph.dot");
    CHECK(strstr(dot, "cluster_0_forward") && strstr(dot, "cluster_0_backward") && strstr(dot, "cluster_1_update") && strstr(dot, " -> "));
    CHECK(strstr(dot, "\"h.0.attn."));
    shop_close(&shop);
}
