#!/bin/sh
# compile.sh <compiler> <include folder | pkg-config folder> <output>: builds the consumer
# with nothing but a compiler, and runs it.
set -eu
case $2 in
*/pkgconfig) flags=$(PKG_CONFIG_PATH=$2 pkg-config --cflags --libs coir) ;;
*) flags="-I$2 -pthread" ;;
esac
mkdir -p "$(dirname "$3")"
# shellcheck disable=SC2086 # several flags
"$1" -std=c++20 "$(dirname "$0")/consumer/main.cpp" -o "$3" $flags
exec "$3"
