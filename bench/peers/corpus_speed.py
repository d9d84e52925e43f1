#!/usr/bin/env python3
"""Rates of jikji's corpus stages beside datatrove, text-dedup, trafilatura, ftfy and FastWARC: one thread, the same input, taking turns.

    bench/peers/corpus_speed.py --data DATA --work DIR [--rounds 3] [--megabytes 8] [--json] [--ours] [WORD ...]

DATA is the folder of public data sets (docs/performance-corpus.md names them), DIR a folder for inputs and outputs made here. WORD keeps the rows
whose name holds it. Needs build/jikji, build/jikji_tests, zstd, and the packages. A rate is MB of input a second of processor time (user and
system), the median of the rounds: that is what a busy machine changes least. A peer's time begins behind its imports and a warm-up on a few
documents and ends with its output written; jikji's is that of the whole process. Both read JSONL (or WARC) and write JSONL.
"""
import argparse, collections, gzip, importlib.metadata, json, os, re, resource, shutil, statistics, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JIKJI = f"{ROOT}/build/jikji"


def read(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    return open(path, "rb").read()


def documents_of(data, names, n_bytes):
    """Pieces of about 4 kB at line ends."""
    text = "\n".join(line if not line.startswith("{") else max((v for v in json.loads(line).values() if isinstance(v, str)), key=len)
                     for name in names for line in read(f"{data}/{name}").decode().split("\n"))
    piece, n, total = [], 0, 0
    for line in text.split("\n"):
        piece.append(line)
        n += len(line.encode()) + 1
        if n >= 4000:
            yield "\n".join(piece)
            total += n
            piece, n = [], 0
        if total >= n_bytes:
            return


def make_inputs(data, work, n_bytes):
    korean = list(documents_of(data, ["ko-law/laws.jsonl.zst"], n_bytes // 2))
    english = list(documents_of(data, ["en-c4-wiki-demo/c4_demo.jsonl.zst", "en-wikitext-2/test.txt.zst", "en-wikitext-2/valid.txt.zst",
                                       "en-us-speeches/state_union.jsonl.zst"], n_bytes // 2))
    mixed = [d for pair in zip(korean, english * 9) for d in pair]
    copies = 1 + max(0, n_bytes // max(1, sum(len(d.encode()) for d in mixed)))
    os.makedirs(f"{work}/text", exist_ok=True)
    with open(f"{work}/text/text.jsonl", "w") as f:
        for copy in range(copies):  # unlike to the byte, but every fifth is an exact copy
            for i, d in enumerate(mixed):
                text = d if copy == 0 or i % 5 == 0 else f"{d}\n{copy} {i}"
                f.write(json.dumps({"id": f"{copy}-{i}", "url": f"https://example.org/{copy}/{i}", "text": text}, ensure_ascii=False) + "\n")
    pages = [json.loads(line) for line in read(f"{data}/web-article-extraction/pages.jsonl.zst").decode().splitlines()]
    with open(f"{work}/pages.jsonl", "w") as f:
        for p in pages:
            f.write(json.dumps({"id": p["id"], "html": p["html"]}, ensure_ascii=False) + "\n")
    with open(f"{work}/gold.json", "w") as f:
        json.dump([p["article_body"] for p in pages], f)
    with open(f"{work}/pages.warc.gz", "wb") as f:
        for i in range(4):
            for k, p in enumerate(pages):
                body = p["html"].encode("utf-8", "replace")
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                block = head + body
                warc = (f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-{i:04d}-{k:012d}>\r\n"
                        f"WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Target-URI: https://example.org/{i}/{k}\r\n"
                        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n").encode()
                f.write(gzip.compress(warc + block + b"\r\n\r\n", 6))
    with open(f"{work}/many.warc.gz", "wb") as f:  # long enough that the start of a process does not show
        f.write(open(f"{work}/pages.warc.gz", "rb").read() * 12)
    with open(f"{work}/text.yaml", "w") as f:  # all stages that datatrove has too, and nothing else
        f.write(f"version: 1\ninputs: [{work}/text/text.jsonl]\nout: {work}/built\nstages:\n  - normalize\n  - quality: {{rules: [gopher, fineweb]}}\n  - c4\n  - pii\n")
    with open(f"{work}/pipeline.yaml", "w") as f:
        f.write(f"version: 1\ninputs: [{work}/pages.warc.gz]\nout: {work}/built\nstages:\n  - extract\n  - quality: {{rules: [gopher, fineweb]}}\n  - c4\n"
                "  - pii\n")


def make_models(data, work):
    """Models of languages and of good text, made once: training is not what is timed."""
    for path, command in [(f"{work}/lid.lid", ["corpus", "langid", "train", f"{data}/lid-lingua/sentences.tsv.zst"]),
                          (f"{work}/text.ppl", ["corpus", "perplexity", "train", f"{data}/en-wikitext-2/test.txt.zst", "--format", "lines"])]:
        if not os.path.exists(path):
            subprocess.run([JIKJI, *command, "--out", path], check=True, capture_output=True)


# Peers: functions that make a job; the job is what is timed.

def chain(work, make_steps, folder="text"):
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    def job(limit=-1):
        data = JsonlReader(f"{work}/{folder}", limit=limit).run(None, 0, 1)
        for step in [*make_steps(), JsonlWriter(f"{work}/peer", compression=None)]:
            data = step.run(data, 0, 1)
        collections.deque(data, maxlen=0)
    return job


def gopher_and_fineweb():
    from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    return [GopherRepetitionFilter(), GopherQualityFilter(), FineWebQualityFilter()]


def c4():
    from datatrove.pipeline.filters import C4QualityFilter
    return [C4QualityFilter()]


def pii():
    from datatrove.pipeline.formatters import PIIFormatter
    return [PIIFormatter()]


def ftfy():
    from datatrove.pipeline.formatters import FTFYFormatter
    return [FTFYFormatter()]


def exact_job(work):
    from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig, ExactDedupFilter, ExactDedupSignature, ExactFindDedups
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.hashing import HashConfig
    config = ExactDedupConfig(content_getter=lambda d: d.text.encode(), hash_config=HashConfig(hash_fc="xxhash"))

    def job(limit=-1):
        for folder in ["signatures", "duplicates"]:
            shutil.rmtree(f"{work}/{folder}", ignore_errors=True)
        ExactDedupSignature(f"{work}/signatures", config).run(JsonlReader(f"{work}/text", limit=limit).run(None, 0, 1), 0, 1)
        ExactFindDedups(f"{work}/signatures", f"{work}/duplicates", config).run(None, 0, 1)
        chain(work, lambda: [ExactDedupFilter(f"{work}/duplicates", config)])(limit)
    return job


def minhash_job(work):
    from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupSignature
    from datatrove.pipeline.readers import JsonlReader

    def job(limit=-1):  # signatures alone: the first of datatrove's four steps
        step = MinhashDedupSignature(f"{work}/minhash", MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8))
        hash_bytes = step._hash_func
        step._hash_func = lambda text: hash_bytes(text.encode())  # xxhash 4 takes no text
        step.run(JsonlReader(f"{work}/text", limit=limit).run(None, 0, 1), 0, 1)
    return job


def text_dedup_job(work, module, arguments):
    """text-dedup's command as it is, in this process: reading JSONL, working, saving."""
    import importlib
    os.environ["HF_HUB_OFFLINE"] = "1"
    main = importlib.import_module(f"text_dedup.{module}").main

    def job(limit=-1):
        for folder in ["td-cache", "peer"]:
            shutil.rmtree(f"{work}/{folder}", ignore_errors=True)
        source = f"{work}/text/text.jsonl"
        if limit > 0:
            with open(source) as f, open(f"{work}/td-few.jsonl", "w") as few:
                few.writelines(line for line, _ in zip(f, range(limit)))
            source = f"{work}/td-few.jsonl"
        main.main(["--path", "json", "--data_files", source, "--split", "train", "--cache_dir", f"{work}/td-cache", "--output", f"{work}/peer",
                   "--column", "text", "--num_proc", "1", *arguments], standalone_mode=False)
    return job


def extract_job(work):
    import trafilatura
    pages = [json.loads(line) for line in open(f"{work}/pages.jsonl")]

    def job(limit=-1):
        with open(f"{work}/peer-extract.jsonl", "w") as f:
            for p in pages[:limit] if limit > 0 else pages:
                f.write(json.dumps({"id": p["id"], "text": trafilatura.extract(p["html"], include_comments=False) or ""}, ensure_ascii=False) + "\n")
    return job


def warc_job(work):
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    def job(limit=-1):
        n = 0
        for record in ArchiveIterator(open(f"{work}/many.warc.gz", "rb"), record_types=WarcRecordType.response, parse_http=True):
            n += len(record.reader.read())
    return job


def pipeline_job(work):
    from datatrove.data import Document
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.writers import JsonlWriter
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    extractor = Trafilatura()

    def pages(limit):
        for i, record in enumerate(ArchiveIterator(open(f"{work}/pages.warc.gz", "rb"), record_types=WarcRecordType.response, parse_http=True)):
            if i == limit:
                return
            text = extractor.extract(record.reader.read().decode("utf-8", "replace"))  # in this process: its sandbox would cost more
            if text:
                yield Document(text=text, id=record.record_id, metadata={})

    def job(limit=-1):
        data = pages(limit)
        for step in [*gopher_and_fineweb(), *c4(), *pii(), JsonlWriter(f"{work}/peer", compression=None)]:
            data = step.run(data, 0, 1)
        collections.deque(data, maxlen=0)
    return job


def text_pipeline_job(work):
    return chain(work, lambda: [*ftfy(), *gopher_and_fineweb(), *c4(), *pii()])


TEXT, OUT = "{work}/text/text.jsonl", "{work}/out.jsonl"
ROWS = {  # name: (input, command of ours, package of the peer, what it does, its job)
    "normalize": (TEXT, ["corpus", "normalize", TEXT, "--out", OUT], "ftfy", "datatrove's FTFYFormatter", lambda w: chain(w, ftfy)),
    "quality": (TEXT, ["corpus", "quality", TEXT, "--out", OUT], "datatrove", "Gopher repetition and quality, FineWeb", lambda w: chain(w, gopher_and_fineweb)),
    "c4": (TEXT, ["corpus", "c4", TEXT, "--out", OUT], "datatrove", "C4QualityFilter", lambda w: chain(w, c4)),
    "langid": (TEXT, ["corpus", "langid", TEXT, "--model", "{work}/lid.lid", "--out", OUT], None, "", None),
    "perplexity": (TEXT, ["corpus", "perplexity", TEXT, "--model", "{work}/text.ppl", "--out", OUT], None, "", None),
    "patterns": (TEXT, ["corpus", "patterns", TEXT, "--out", OUT], None, "", None),
    "stats": (TEXT, ["corpus", "stats", TEXT], None, "", None),
    "pii": (TEXT, ["corpus", "pii", TEXT, "--out", OUT], "datatrove", "PIIFormatter (mail and IP only)", lambda w: chain(w, pii)),
    "exact dedup": (TEXT, ["corpus", "dedup", TEXT, "--method", "exact", "--out", OUT], "datatrove", "exact dedup, three steps", exact_job),
    "exact dedup, all": (TEXT, ["corpus", "dedup", TEXT, "--method", "exact", "--out", OUT], "text-dedup", "exact_hash, xxh3",
                         lambda w: text_dedup_job(w, "exact_hash", ["--hash_func", "xxh3"])),
    "minhash, all steps": (TEXT, ["corpus", "dedup", TEXT, "--out", OUT], "text-dedup", "minhash, the same bands and rows",
                           lambda w: text_dedup_job(w, "minhash", ["--ngram", "5", "--num_perm", "112", "--b", "14", "--r", "8", "--min_length", "0"])),
    "minhash, words": (TEXT, ["corpus", "dedup", TEXT, "--out", OUT], "datatrove", "signatures alone", minhash_job),
    "minhash, syllables": (TEXT, ["corpus", "dedup", TEXT, "--shingle", "syllables", "--out", OUT], "datatrove", "signatures alone", minhash_job),
    "minhash, datatrove's": (TEXT, ["corpus", "dedup", TEXT, "--shingle", "datatrove", "--out", OUT], "datatrove", "signatures alone", minhash_job),
    "parts, paragraphs": (TEXT, ["corpus", "parts", TEXT, "--out", OUT], None, "", None),
    "parts, sentences": (TEXT, ["corpus", "parts", TEXT, "--unit", "sentence", "--out", OUT], None, "", None),
    "extract": ("{work}/pages.jsonl", ["corpus", "extract", "{work}/pages.jsonl", "--field", "html", "--chars-min", "0", "--out", "{work}/extract.jsonl"],
                "trafilatura", "extract, default settings", extract_job),
    "warc": ("{work}/many.warc.gz", None, "FastWARC", "records with HTTP, payload read", warc_job),
    "filters and tags": (TEXT, ["corpus", "build", "{work}/text.yaml"], "datatrove", "FTFY, Gopher, FineWeb, C4, PII", text_pipeline_job),
    "pipeline": ("{work}/pages.warc.gz", ["corpus", "build", "{work}/pipeline.yaml"], "datatrove",
                 "FastWARC, Trafilatura, Gopher, FineWeb, C4, PII", pipeline_job),
}


def fill(work, texts):
    return [t.replace("{work}", work) for t in texts]


def processor_seconds(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def run_peer(name, work):
    """In a process of its own: warm up, run, print processor seconds."""
    import logging
    logging.disable(logging.CRITICAL)
    try:
        from loguru import logger
        logger.remove()
    except ImportError:
        pass
    job = ROWS[name][4](work)
    job(4)
    both = lambda: processor_seconds(resource.RUSAGE_SELF) + processor_seconds(resource.RUSAGE_CHILDREN)
    start = both()
    job()
    print(f"seconds {both() - start}")


def measure_ours(name, work):
    env = dict(os.environ, OMP_NUM_THREADS="1")
    command = ROWS[name][1]
    if command is None:  # a reader alone has no command
        env["JIKJI_BENCH_WARC"] = ROWS[name][0].replace("{work}", work)
        command = [f"{ROOT}/build/jikji_tests", "--bench", "warc.records_per_second"]
    else:
        command = [JIKJI, *fill(work, command)]
    shutil.rmtree(f"{work}/built", ignore_errors=True)
    start = processor_seconds(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return processor_seconds(resource.RUSAGE_CHILDREN) - start


def measure_peer(name, work):
    shutil.rmtree(f"{work}/peer", ignore_errors=True)
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--peer", name, "--work", work], capture_output=True, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"))
    found = re.search(r"seconds ([0-9.]+)", done.stdout)
    if not found:
        return None, done.stderr.strip().splitlines()[-1:] or ["failed"]
    return float(found[1]), None


def f1(gold, found, which):
    """The article benchmark's measure: 4-grams of words as multisets, precision and recall a page, then means."""
    def shingles(text):
        words = re.findall(r"\w+", text)
        return collections.Counter(tuple(words[i:i + 4]) for i in range(max(1, len(words) - 3)) if words)
    precision, recall, n = 0.0, 0.0, 0
    for i in range(which, len(gold), 2):
        a, b = shingles(gold[i]), shingles(found[i])
        both = sum((a & b).values())
        precision += both / max(1, sum(b.values()))
        recall += both / max(1, sum(a.values()))
        n += 1
    return 2 * precision * recall / n / max(1e-9, precision + recall)


def extraction_quality(work):
    gold = json.load(open(f"{work}/gold.json"))
    pages = [json.loads(line)["id"] for line in open(f"{work}/pages.jsonl")]
    scores = {}
    for who, path in [("jikji", f"{work}/extract.jsonl"), ("trafilatura", f"{work}/peer-extract.jsonl")]:
        text = {r["id"]: r["text"] for r in map(json.loads, open(path))}
        found = [text.get(i, "") for i in pages]
        scores[who] = {"tuned": round(f1(gold, found, 0), 4), "others": round(f1(gold, found, 1), 4)}
    return scores


def version(package):
    try:
        return f"{package} {importlib.metadata.version(package)}" if package else ""
    except importlib.metadata.PackageNotFoundError:
        return f"{package}, absent"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--work", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ours", action="store_true", help="without the peers")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.peer:
        run_peer(args.peer, args.work)
        return
    os.makedirs(args.work, exist_ok=True)
    make_inputs(args.data, args.work, int(args.megabytes * 1e6))
    make_models(args.data, args.work)
    result = []
    print("| stage | input | jikji MB/s | peer | peer MB/s | ratio |\n|---|---|---|---|---|---|", flush=True)
    for name, (source, _, package, what, job) in ROWS.items():
        if args.words and not any(w in name for w in args.words):
            continue
        path = source.replace("{work}", args.work)
        n_bytes = os.path.getsize(path)
        ours, theirs, why = [], [], None
        for _ in range(args.rounds):
            ours.append(measure_ours(name, args.work))
            seconds, why = measure_peer(name, args.work) if job and not args.ours else (None, None)
            theirs += [seconds] if seconds else []
        rate, peer = n_bytes / 1e6 / statistics.median(ours), n_bytes / 1e6 / statistics.median(theirs) if theirs else None
        result.append({"stage": name, "input_bytes": n_bytes, "jikji_mb_s": rate, "peer": version(package), "peer_does": what, "peer_mb_s": peer,
                       "ratio": rate / peer if peer else None})
        shown = (f"{peer:.2f}", f"{rate / peer:.1f}") if peer else (why[0][:60] if why else "", "")
        who = f"{version(package)}: {what}" if package else ""
        print(f"| {name} | {os.path.basename(path)} | {rate:.1f} | {who} | {shown[0]} | {shown[1]} |", flush=True)
    scores = extraction_quality(args.work) if any(r["stage"] == "extract" and r["peer_mb_s"] for r in result) else None
    if scores:
        for who, s in scores.items():
            print(f"\nF1 {who}: {s['others']:.4f} on the pages nobody looked at, {s['tuned']:.4f} on the others", end="")
        print()
    if args.json:
        print(json.dumps({"rows": result, "f1": scores}))


if __name__ == "__main__":
    main()
