#!/usr/bin/env python3
"""Runs the benchmarks of coir and of its peers in turns, and prints the comparison.

    bench/compare.py run build/bench/bin results [rounds [extra benchmark flags...]]
    bench/compare.py table results > table.md
    bench/compare.py plot results docs/figures

`run` goes through all bench_* programs once a round, so that what else the machine does hits
all of them alike. `table` gives, per row, the median and the minimum of the rounds, multiples
of one uncontended locked read-modify-write of the same round, and the ratio to the best peer.
Times are CPU time, but for rows with several threads: those are wall-clock time. `plot` draws
how the rows that end in a number grow with it, a figure per row, median and range of the rounds.
"""

import json
import math
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


# ---- Figures: times over the number of waiters, both axes logarithmic.

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 340, 64, 110, 34, 44
COLOURS = ["#1b5e9e", "#c0504d", "#5b8c3a", "#8064a2", "#d98e2b", "#444444"]


def growth_of(times):
    """{row: {library: {n: {round: ns}}}} of the rows whose name ends in a number."""
    figures = {}
    for library, rows in times.items():
        for name, samples in rows.items():
            row, _, n = name.rpartition("/")
            if row and n.isdigit():
                figures.setdefault(row, {}).setdefault(library, {})[int(n)] = samples
    return figures


class axes:
    """From values to places in the picture."""

    def __init__(self, curves):
        numbers = [n for curve in curves.values() for n in curve]
        values = [t for curve in curves.values() for samples in curve.values() for t in samples.values() if t > 0]
        self.n = (math.log10(min(numbers)), max(math.log10(max(numbers)), math.log10(min(numbers)) + 1))
        self.t = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9))

    def x(self, n):
        low, high = self.n
        return LEFT + (math.log10(n) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, t):
        low, high = self.t
        return HEIGHT - BOTTOM - (math.log10(max(t, 10 ** low)) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def text(x, y, what, **style):
    style = {"font-size": 12, **style}
    return f'<text x="{x:.1f}" y="{y:.1f}" ' + " ".join(f'{k}="{v}"' for k, v in style.items()) + f">{what}</text>"


def grid(at):
    for power in range(at.t[0], at.t[1] + 1):
        y = at.y(10 ** power)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield text(LEFT - 6, y + 4, f"{10 ** power:,} ns", **{"text-anchor": "end"})
    for power in range(math.ceil(at.n[0]), math.floor(at.n[1]) + 1):
        x = at.x(10 ** power)
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>'
        yield text(x, HEIGHT - BOTTOM + 18, f"{10 ** power:,}", **{"text-anchor": "middle"})


def curve_of(at, library, points, colour):
    points = sorted(points.items())
    path = " ".join(f"{'L' if i else 'M'}{at.x(n):.1f} {at.y(median(s)):.1f}" for i, (n, s) in enumerate(points))
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for n, samples in points:
        top, bottom = at.y(max(samples.values())), at.y(min(samples.values()))
        yield f'<path d="M{at.x(n):.1f} {top:.1f}V{bottom:.1f}" stroke="{colour}" stroke-width="4" opacity="0.4"/>'
    last_n, last = points[-1]
    yield text(at.x(last_n) + 8, at.y(median(last)) + 4, library, fill=colour)


OVER = {"stream/depth": "stages", "stream/buffer": "elements it holds", "stream/broadcast": "readers",
        "stream/transform_par_yields": "calls at once"}


def figure(row, curves):
    at = axes(curves)
    order = sorted(curves, key=lambda library: (library != "coir", library))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(LEFT, 20, f"{row}: time over the number of {OVER.get(row, 'waiters')}", **{"font-weight": "bold"}), *grid(at)]
    for library, colour in zip(order, COLOURS):
        parts += curve_of(at, library, curves[library], colour)
    return "\n".join([*parts, "</svg>", ""])


def plot(results, out_dir):
    times, _ = load(results)
    out = pathlib.Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    for row, curves in growth_of(times).items():
        (out / f"{row.replace('/', '_')}.svg").write_text(figure(row, curves))


if __name__ == "__main__":
    commands = {"run": run, "table": table, "plot": plot}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
