# Turns the ```cpp blocks of a Markdown document into C++ (docs/README.md: the rules).
#     awk -v out=<prefix> -v document=<path> -f extract.awk <path>
# A block with `int main` becomes <prefix>_<line>_run.cpp or <prefix>_<line>_build.cpp;
# the others go to <prefix>_blocks.cpp together, each in a namespace of its own.

function fail(text) {
    print document ":" opened ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

function finish_block() {
    if (body ~ /int main\(/) {
        if (continues) fail("a program cannot continue the block before it")
        file = out "_" opened (runs ? "_run.cpp" : "_build.cpp")
        printf "%s#line %d \"%s\"\n%s", includes, opened + 1, document, body > file
        close(file)
        return
    }
    if (runs) fail("`cpp run` needs a block with int main")
    if (!continues) space = "block_" opened
    if (space == "") fail("`cpp more` has no block to continue")
    hoisted = hoisted includes
    blocks = blocks sprintf("namespace %s {\nusing namespace coir;\n#line %d \"%s\"\n%s}\n", space, opened + 1, document, body)
}

/^```cpp/ && !inside {
    inside = 1
    opened = NR
    runs = continues = 0
    body = includes = ""
    count = split($0, words, /[ \t]+/)
    if (words[1] != "```cpp") fail("unknown language " words[1])
    for (i = 2; i <= count; ++i) {
        if (words[i] == "run") runs = 1
        else if (words[i] == "more") continues = 1
        else if (words[i] != "") fail("unknown word `" words[i] "`")
    }
    next
}

/^```/ && inside {
    inside = 0
    finish_block()
    next
}

# Hoisted to the top; a blank line keeps the numbers of the lines below right.
inside && /^#include / {
    includes = includes $0 "\n"
    body = body "\n"
    next
}

inside { body = body $0 "\n" }

END {
    if (failed) exit 1
    if (inside) fail("the block is not closed")
    if (blocks == "") exit 0
    printf "#include <coir/coir.hpp>\n%susing namespace std::chrono_literals;\n%s", hoisted, blocks > (out "_blocks.cpp")
}
