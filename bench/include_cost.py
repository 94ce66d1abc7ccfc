#!/usr/bin/env python3
"""What it costs to include a header and to use a little of it, in the compiler's CPU time.

    bench/include_cost.py [-n ROUNDS] [-I PEERS_PREFIX/include]... [--clang clang++-19] [--gcc g++-12] [ROW]...

All rows are compiled once a round, in turns, so that what else the machine does hits all of them
alike. Printed are the median and the minimum of the rounds, the minimum as multiple of that of the
standard headers alone, and how many lines the compiler reads after preprocessing. A row whose
headers are not installed is left out. `extra` rows are what a program takes over its include.
Rows can be chosen by parts of their names; Ctrl-C prints what has been measured until then.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"

# What coir.hpp itself includes.
STANDARD = """atomic bit concepts condition_variable coroutine cstdint exception limits list memory mutex new
optional source_location span stdexcept string string_view thread tuple type_traits utility variant vector""".split()

WHEN_ALL = """
coir::task<int> one() { co_return 1; }
coir::task<int> sum() {
    auto [a, b, c] = co_await coir::when_all(one(), one(), one());
    co_return a + b + c;
}
int main() { return coir::sync_wait(sum()).value(); }
"""

ALL_OF = """
corral::Task<int> one() { co_return 1; }
corral::Task<int> sum() {
    auto [a, b, c] = co_await corral::allOf(one(), one(), one());
    co_return a + b + c;
}
struct loop {};
template <>
struct corral::EventLoopTraits<loop> {
    static EventLoopID eventLoopID(loop& l) { return EventLoopID(&l); }
    static void run(loop&) {}
    static void stop(loop&) {}
};
int main() { loop l; return corral::run(l, sum()); }
"""

TEN_STAGES = """
namespace streams = coir::streams;
coir::task<long> sum(std::vector<int> const& numbers) {
    co_return co_await (streams::from(numbers) | streams::transform([](int n) { return n + 1; })
                        | streams::filter([](int n) { return n % 2 == 0; })
                        | streams::transform([](int n) { return n * 3; }) | streams::drop(1)
                        | streams::transform([](int n) { return n - 1; })
                        | streams::filter([](int n) { return n % 5 != 0; })
                        | streams::transform([](int n) { return n ^ 7; }) | streams::take(1000)
                        | streams::transform([](int n) { return long{n}; })
                        | streams::fold(0L, [](long all, long n) { return all + n; }));
}
"""


def includes(*headers):
    return "".join(f"#include <{h}>\n" for h in headers)


def rows(clang, gcc):
    """name: (compiler, text); the one called `standard headers` is what the others are measured by."""
    fast = [clang, "-O2"]
    plain = [gcc, "-O0"]
    return {
        "standard headers": (fast, includes(*STANDARD)),
        "coir.hpp": (fast, includes("coir/coir.hpp")),
        "deferred.hpp": (fast, includes("coir/deferred.hpp")),
        "stream.hpp": (fast, includes("coir/stream.hpp")),
        "ten stages": (fast, includes("coir/stream.hpp", "vector") + TEN_STAGES),
        "cppcoro, task.hpp": (fast, includes("cppcoro/task.hpp")),
        "corral.h": (fast, includes("corral/corral.h")),
        "coro.hpp (libcoro)": (fast, includes("coro/coro.hpp")),
        "libfork.hpp": (fast, "#include <libfork.hpp>\n"),
        "libunifex": (fast, includes(*(f"unifex/{h}.hpp" for h in """async_scope finally just let_value
            static_thread_pool stop_when sync_wait task then timed_single_thread_context when_all""".split()))),
        "boost/asio.hpp": (fast, "#include <coroutine>\n#include <utility>\n" + includes("boost/asio.hpp")),
        "g++ -O0: combine.hpp, sync_wait.hpp":
            (plain, includes("coir/combine.hpp", "coir/runtime/sync_wait.hpp")),
        "g++ -O0: a when_all of three":
            (plain, includes("coir/combine.hpp", "coir/runtime/sync_wait.hpp") + WHEN_ALL),
        "g++ -O0: corral, an allOf of three": (plain, includes("corral/corral.h") + ALL_OF),
    }


# A program over the include that it begins with.
EXTRA = {
    "extra: ten stages": ("ten stages", "stream.hpp"),
    "extra: g++ -O0: a when_all of three": ("g++ -O0: a when_all of three", "g++ -O0: combine.hpp, sync_wait.hpp"),
}


def cpu_seconds(command):
    """Null: it does not compile. User time only: the rest is mostly the page cache."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    return usage.ru_utime if status == 0 else None


def lines_of(command):
    text = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    return sum(1 for line in text.splitlines() if line.strip() and not line.startswith("#"))


def chosen(options):
    every = rows(options.clang, options.gcc)
    wanted = ["standard headers", *options.row] if options.row else [""]
    return {name: unit for name, unit in every.items() if any(part in name for part in wanted)}


def measure(options, times, lines):
    flags = ["-std=c++20", f"-I{INCLUDE}", "-DBOOST_ASIO_HAS_CO_AWAIT", "-DBOOST_ASIO_HAS_STD_COROUTINE"]
    flags += [f"-isystem{path}" for path in options.isystem]
    with tempfile.TemporaryDirectory() as folder:
        source, made = pathlib.Path(folder, "unit.cpp"), pathlib.Path(folder, "unit.o")
        for i in range(options.rounds):
            for name, (compiler, text) in chosen(options).items():
                if i > 0 and name not in times:
                    continue # not installed
                print(f"round {i + 1}: {name}", file=sys.stderr)
                source.write_text(text)
                time = cpu_seconds([*compiler, *flags, "-c", source, "-o", made])
                if time is not None:
                    times.setdefault(name, []).append(time)
                    if name not in lines:
                        lines[name] = lines_of([*compiler, *flags, "-E", source])


def add_differences(times, lines):
    for name, (more, less) in EXTRA.items():
        if more in times and less in times:
            times[name] = [a - b for a, b in zip(times[more], times[less])]
            lines[name] = lines[more] - lines[less]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--rounds", type=int, default=10)
    parser.add_argument("-I", dest="isystem", action="append", default=[], help="where headers of peers are")
    parser.add_argument("--clang", default="clang++-19")
    parser.add_argument("--gcc", default="g++-12")
    parser.add_argument("row", nargs="*", help="a part of the names of the rows to measure; all if there is none")
    times, lines = {}, {}
    try:
        measure(parser.parse_args(), times, lines)
    except KeyboardInterrupt:
        pass
    add_differences(times, lines)
    unit = min(times["standard headers"])
    print("| unit | median s | minimum | of the standard headers | lines |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, of in times.items():
        print(f"| {name} | {statistics.median(of):.2f} | {min(of):.2f} | {min(of) / unit:.2f} | {lines[name]:,} |")


if __name__ == "__main__":
    main()
