# Turns the ```cpp blocks of a Markdown document into C++ (docs/README.md: the rules).
#     awk -v out=<prefix> -v document=<path> -f extract.awk <path>
# A block with `int main` becomes <prefix>_<line>_run.cpp or <prefix>_<line>_build.cpp;
# the others go to <prefix>_blocks.cpp together, each in a namespace of its own. A comment
# `<!-- cpp run more ... -->` is a block that readers of the page do not see.

function fail(text) {
    print document ":" opened ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

function finish_block() {
    if (body ~ /int main\(/) {
        file = out "_" opened (runs ? "_run.cpp" : "_build.cpp")
        printf "%s%s#line %d \"%s\"\n%s", includes, continues ? chain_start() : "", opened + 1, document, body > file
        close(file)
        return
    }
    if (runs) fail("`cpp run` needs a block with int main")
    if (!continues) chain = chain_includes = ""
    chain_includes = chain_includes includes
    chain = chain sprintf("#line %d \"%s\"\n%s", opened + 1, document, body)
    if (!continues) space = "block_" opened
    if (space == "") fail("`cpp more` has no block to continue")
    hoisted = hoisted includes
    blocks = blocks sprintf("namespace %s {\nusing namespace coir;\n#line %d \"%s\"\n%s}\n", space, opened + 1, document, body)
}

# What a program sees that continues the blocks before it.
function chain_start() {
    if (chain == "") fail("there is no block to continue")
    return chain_includes "#include <coir/coir.hpp>\nusing namespace coir;\nusing namespace std::chrono_literals;\n" chain
}

/^(```|<!-- )cpp/ && !inside {
    inside = 1
    closing = /^<!--/ ? "^-->" : "^```"
    opened = NR
    runs = continues = 0
    body = includes = ""
    count = split($0, words, /[ \t]+/)
    first = closing == "^-->" ? 2 : 1
    if (words[first] != "cpp" && words[first] != "```cpp") fail("unknown language " words[first])
    for (i = first + 1; i <= count; ++i) {
        if (words[i] == "run") runs = 1
        else if (words[i] == "more") continues = 1
        else if (words[i] != "") fail("unknown word `" words[i] "`")
    }
    next
}

inside && $0 ~ closing {
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
