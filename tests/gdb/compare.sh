#!/bin/sh
# compare.sh <gdb> <coir.py> <program> <folder>: stops the program where it has dumped its fibers, and has gdb
# print them, of the process and of a core file. 77: gdb cannot do that here.
set -u
gdb=$1 script=$2 program=$3 folder=$4
mkdir -p "$folder" && cd "$folder" || exit 1
rm -f plain stacks core ./*.out
"$gdb" -nx -batch -ex 'python print("has python")' 2>/dev/null | grep -q 'has python' || { echo "skipped: this gdb has no Python"; exit 77; }

"$gdb" -nx -batch -ex 'set debuginfod enabled off' -ex 'break look_at' -ex 'run plain stacks' -ex 'echo stopped\n' \
    -ex "source $script" -ex 'pipe coir-fibers which | cat >live.out' \
    -ex 'pipe coir-fibers -stacks which | cat >live_stacks.out' \
    -ex 'pipe coir-fibers | cat >all.out' -ex 'generate-core-file core' -ex kill "$program" >gdb.log 2>&1
[ -s plain ] || { cat gdb.log; echo "skipped: gdb may not run programs here"; exit 77; }
"$gdb" -nx -batch -ex 'set debuginfod enabled off' -ex "source $script" -ex 'pipe coir-fibers which | cat >core.out' \
    -ex 'pipe coir-fibers -stacks which | cat >core_stacks.out' "$program" core >>gdb.log 2>&1

# The fiber that asked is running in one dump and in gdb, so the same lines are to be seen.
for each in live:plain live_stacks:stacks core:plain core_stacks:stacks; do
    diff -u "${each#*:}" "${each%:*}.out" || { cat gdb.log; exit 1; }
done
grep -q 'run_loop at 0x' all.out && sed 1d all.out | diff -u plain - || { cat all.out gdb.log; exit 1; }
