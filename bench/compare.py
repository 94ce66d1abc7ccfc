#!/usr/bin/env python3
"""Runs the benchmarks of coir and of its peers in turns, and prints the comparison.

    bench/compare.py run build/bench/bin results [rounds [extra benchmark flags...]]
    bench/compare.py table results > table.md

`run` goes through all bench_* programs once a round, so that what else the machine does hits
all of them alike. `table` gives, per row, the median and the minimum of the rounds, multiples
of one uncontended locked read-modify-write of the same round, and the ratio to the best peer.
Times are CPU time, but for rows with several threads: those are wall-clock time.
"""

import json
import pathlib
import statistics
import subprocess
import sys

RMW = "primitive/rmw"
# Rows that are the difference of two others: what an operator adds.
EXTRA = {"stream/interrupt_when, extra": ("stream/ten_stages_interrupt_when", "stream/ten_stages")}
# A row's best peer may be a row of ours: the loop written by hand.
RIVAL_ROWS = {"stream/ten_stages": {"vectorised loop": "stream/hand_loop", "scalar loop": "stream/hand_loop_scalar"}}


def run(bin_dir, out_dir, rounds=5, *flags):
    programs = sorted(pathlib.Path(bin_dir).resolve().glob("bench_*"))
    out = pathlib.Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    for i in range(int(rounds)):
        for program in programs:
            print(f"round {i + 1}: {program.name}", file=sys.stderr)
            target = out / f"{program.name}.{i}.json"
            subprocess.run([program, f"--benchmark_out={target}", "--benchmark_out_format=json", *flags],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def row_of(entry):
    """The row's name without what the library appends, and its time in ns."""
    marks = {"manual_time", "real_time", "process_time"}
    parts = entry["name"].split("/")
    name = "/".join(p for p in parts if p not in marks and not p.startswith("iterations:"))
    wall = not marks.isdisjoint(parts) and parts[-1] != "process_time"
    return name, entry["real_time" if wall else "cpu_time"]


def load(results):
    """{library: {row: {round: ns}}}, and what each library calls itself."""
    times, versions = {}, {}
    for path in sorted(pathlib.Path(results).glob("*.json")):
        report = json.loads(path.read_text())
        library = report["context"].get("peer", "coir")
        versions[library] = report["context"].get("peer_version", "")
        of_round = int(path.suffixes[-2][1:])
        for entry in report["benchmarks"]:
            if not entry.get("error_occurred"):
                name, time = row_of(entry)
                times.setdefault(library, {}).setdefault(name, {})[of_round] = time
    return times, versions


def difference(rows, more, less):
    return {i: rows[more][i] - rows[less][i] for i in rows[more] if i in rows[less]}


def median(samples):
    return statistics.median(samples.values())


def ns(time):
    return f"{time:.2f}" if abs(time) < 10 else f"{time:.0f}"


def rivals_of(name, times):
    rivals = {lib: rows[name] for lib, rows in times.items() if lib != "coir" and name in rows}
    for label, row in RIVAL_ROWS.get(name, {}).items():
        if row in times["coir"]:
            rivals[label] = times["coir"][row]
    return rivals


def line(name, samples, rmw, rivals):
    multiple = statistics.median(time / rmw[i] for i, time in samples.items())
    cells = [name, ns(median(samples)), ns(min(samples.values())), f"{multiple:.2f}"]
    if rivals:
        order = sorted(rivals, key=lambda r: median(rivals[r]))
        best = median(rivals[order[0]])
        cells += [f"{order[0]} {ns(best)}", f"{median(samples) / best:.2f}",
                  ", ".join(f"{r} {ns(median(rivals[r]))}" for r in order[1:])]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells) + " |"


def table(results):
    times, versions = load(results)
    ours = times["coir"]
    for name, (more, less) in EXTRA.items():
        if more in ours and less in ours:
            ours[name] = difference(ours, more, less)
    print("| row | median ns | minimum | RMWs | best peer | ratio | other peers |")
    print("| --- | ---: | ---: | ---: | --- | ---: | --- |")
    for name, samples in ours.items():
        print(line(name, samples, ours[RMW], rivals_of(name, times)))
    named = (f"{lib} {version}".strip() for lib, version in sorted(versions.items()) if lib != "coir")
    print("\nPeers: " + ", ".join(named))


if __name__ == "__main__":
    commands = {"run": run, "table": table}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
