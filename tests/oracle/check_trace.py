#!/usr/bin/env python3
"""Is a trace of a step what the Trace Event Format says, and does it add up?   python3 tests/oracle/check_trace.py TRACE.json [PLAN.json]

Every event has ph, name, pid, tid; complete events ("X") have ts and dur, counters ("C") numbers; slices nest: of any two, one holds the other
or they are apart. With PLAN.json (a run's forecast.json), the FLOPs of all calls equal program_flops_per_step. Exits with 1 on a
fault. check_perfetto.py has Perfetto itself read the file.
"""
import json
import sys


def check(path, plan):
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    faults, stack, flops = [], [], 0.0
    for e in events:
        if not {"ph", "name", "pid", "tid"} <= e.keys() or e["ph"] not in "XCM":
            faults.append(f"not an event: {e}")
        elif e["ph"] == "C" and not all(isinstance(v, (int, float)) for v in e["args"].values()):
            faults.append(f"a counter without numbers: {e}")
    slices = [e for e in events if e["ph"] == "X"]
    for e in sorted(slices, key=lambda e: (e["ts"], -e["dur"])):
        flops += e.get("args", {}).get("flops", 0)
        while stack and stack[-1] <= e["ts"]:
            stack.pop()
        if e["ts"] < 0 or e["dur"] < 0 or (stack and e["ts"] + e["dur"] > stack[-1] + 1e-3):
            faults.append(f"does not nest: {e['name']} at {e['ts']} for {e['dur']}")
        stack.append(e["ts"] + e["dur"])
    if plan:
        with open(plan, encoding="utf-8") as file:
            want = json.load(file)["program_flops_per_step"]
        if abs(flops / want - 1) > 1e-9:
            faults.append(f"{flops} FLOPs in the trace, {want} in the plan")
    print(f"{path}: {len(slices)} slices, {flops:.6g} FLOPs: {'sound' if not faults else 'FAULTS'}")
    for fault in faults[:10]:
        print("   ", fault)
    return not faults


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None) else 1)
