"""The fibers of a program that hangs, or of its core file, in gdb.

    gdb -p <process>            or    gdb <program> <core>
    (gdb) source coir.py
    (gdb) coir-fibers                 of all schedulers that the threads' stacks tell of
    (gdb) coir-fibers pool            of this one: any expression
    (gdb) coir-fibers -stacks pool    and where each of their tasks awaits

Prints what coir::dump(scheduler) does. It needs debug information of the program and runs none
of its code. It reads what include/coir/detail/ calls by these names: fiber_base, nursery,
stream_nursery, cancel_state, claim_word, guarded_wait and frame; tests/gdb compares it with dump().
"""

import re

import gdb

NAMESPACE = "coir::v0::"
RUNNING, WAITING, MASKED, CANCELLING = range(4)  # wait_state
TURN, SHIELD = 4, 0xFFFF0  # claim_word
QUEUED = 2  # fiber_base::next_step
UNASKED = (1 << 64) - 1  # fiber_base::unasked
STACK_LIMIT = 64  # dump_options::stack_limit


def type_of(name):
    return gdb.lookup_type(NAMESPACE + name)


def at_address(address, kind):
    return gdb.Value(address).cast(kind.pointer())


def offset_of_base(kind, name):
    for field in kind.fields():
        if field.is_base_class and field.type.name == NAMESPACE + name:
            return field.bitpos // 8
    raise gdb.GdbError(f"{kind} does not derive from {name}")


class Object:
    """An object with virtual functions. gdb's own access to a member looks for the type of the
    whole first, and complains if that is of a closure, which has no name it could find."""

    def __init__(self, address, name):
        self.address, self.kind = int(address), type_of(name)

    def __getitem__(self, name):
        offset, kind = self.find(self.kind, name)
        return at_address(self.address + offset, kind).dereference()

    @classmethod
    def find(cls, kind, name):
        for field in kind.fields():
            if not field.is_base_class and field.name == name:
                return field.bitpos // 8, field.type
            inner = cls.find(field.type, name) if field.is_base_class else None
            if inner:
                return field.bitpos // 8 + inner[0], inner[1]
        return None


def scalar(value):
    """The number or pointer in a std::atomic, a std::unique_ptr or the like, of any library."""
    kind = value.type.strip_typedefs()
    if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return value
    for field in kind.fields():
        if not field.artificial and hasattr(field, "bitpos"):
            found = scalar(value[field])
            if found is not None:
                return found
    return None


def number(value):
    return int(scalar(value))


def literal(address):
    """The C string at an address, or None if there is no printable one."""
    try:
        raw = gdb.selected_inferior().read_memory(address, 1).tobytes()
        while not raw.endswith(b"\0") and len(raw) < 4096:
            raw += gdb.selected_inferior().read_memory(address + len(raw), 1).tobytes()
        text = raw[:-1].decode()
    except (gdb.MemoryError, UnicodeDecodeError):
        return None
    return text if text and text.isprintable() else None


def inner(value, name):
    """The field of that name, however deep."""
    for field in value.type.strip_typedefs().fields():
        if hasattr(field, "bitpos"):
            if field.name == name:
                return value[field]
            if field.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
                found = inner(value[field], name)
                if found is not None:
                    return found
    return None


def std_string(value):
    length = inner(value, "_M_string_length")
    if length is not None:  # libstdc++
        return inner(value, "_M_p").string(length=int(length))
    large = inner(value, "__l")  # libc++
    chosen = large if int(inner(large, "__is_long_")) else inner(value, "__s")
    begin = inner(chosen, "__data_")
    if begin.type.code == gdb.TYPE_CODE_ARRAY:
        begin = begin[0].address
    return begin.string(length=int(inner(chosen, "__size_")))


# ---- What the fiber waits for is told by a function that returns a literal. A core file runs no
# functions, so the literal's address is read from its instructions.


def literal_in_code(address, jumps=4):
    page = 0
    for each in gdb.selected_inferior().architecture().disassemble(address, count=64):
        text = each["asm"]
        jump = re.match(r"(?:jmp|b)\s+\*?(0x[0-9a-f]+)", text)
        if jump and jumps > 0:  # a thunk
            return literal_in_code(int(jump.group(1), 16), jumps - 1)
        for found in re.findall(r"#\s*(0x[0-9a-f]+)|\$(0x[0-9a-f]+)", text):
            what = literal(int(found[0] or found[1], 16))
            if what:
                return what
        upper = re.match(r"adrp\s+\w+, (0x[0-9a-f]+)", text)
        if upper:
            page = int(upper.group(1), 16)
        lower = re.match(r"add\s+\w+, \w+, #(0x[0-9a-f]+)", text)
        if lower and page:
            what = literal(page + int(lower.group(1), 16))
            if what:
                return what
        if text.startswith("ret"):
            return None
    return None


VIRTUALS_OF_LEAF = ["cancel", "what", "whose"]  # as it declares them


def virtual_function(leaf, name):
    word = gdb.lookup_type("unsigned long")
    table = int(at_address(int(leaf), word).dereference())
    return int(at_address(table, word)[VIRTUALS_OF_LEAF.index(name)])


# ---- Fibers.


class Site:
    """Where a co_await stands: a std::source_location."""

    def __init__(self, value):
        self.file, self.line = "", 0
        data = scalar(value)
        if data is not None and int(data) != 0:
            static = data.dereference()
            self.file = literal(int(static["_M_file_name"])) or ""
            self.line = int(static["_M_line"])

    def __str__(self):
        return f" at {self.file}:{self.line}" if self.line else ""


def is_in_library(site):
    return site.file.startswith(library_folder())


def library_folder():
    symbol = gdb.lookup_global_symbol(NAMESPACE + "detail::fiber_base::run_posted") or gdb.lookup_static_symbol(
        NAMESPACE + "detail::fiber_base::run_posted")
    path = symbol.symtab.filename if symbol else "/coir/detail/"
    return path[: path.rindex("detail/")] if "detail/" in path else path


class Fiber:
    def __init__(self, member):
        base = type_of("detail::fiber_base")
        self.block = Object(int(member) - offset_of_base(base, "detail::nursery_member"), "detail::fiber_base")
        self.id = int(self.block["id_"]["value"])
        word = number(self.block["claim_"]["word_"])
        self.state = word & 3
        self.shielded = word & SHIELD != 0
        self.woken = self.state == RUNNING and (word ^ number(self.block["seen_"])) & TURN != 0

    def name(self):
        kept = scalar(self.block["name_"])
        return std_string(kept.dereference()) if int(kept) else ""

    def frames(self):
        at = self.block["top_"]
        while int(at) != 0:
            yield at
            at = at["caller"]

    def sites(self):
        try:
            return [Site(f["site"]) for f, _ in zip(self.frames(), range(1 << 20))]
        except gdb.error:
            return []

    def where(self):
        sites = self.sites()
        return next((s for s in sites if not is_in_library(s)), sites[0] if sites else "")

    def what(self):
        """What it is suspended in, and whose end it waits for."""
        if self.state == MASKED:
            return literal(int(self.block["masked_in_"])) or "something"
        leaf = self.block["waiting_in_"]
        what = literal_in_code(virtual_function(leaf, "what"))
        if what is None:
            whole = leaf.dynamic_type
            what = str(whole.target())  # on a machine whose instructions are not known here
            if what == NAMESPACE + "detail::guarded_wait":  # it is told
                what = literal(int(leaf.cast(whole)["what_"])) or "something"
        if what == "fiber":
            # A fiber_wait: its handle is behind the leaf.
            wait = type_of("detail::wait_leaf")
            handle = int(leaf) - offset_of_base(wait, "detail::leaf") + wait.sizeof
            target = at_address(handle, type_of("detail::fiber_base").pointer()).dereference()
            return f"fiber {int(Object(target, 'detail::fiber_base')['id_']['value'])}"
        return what

    def activity(self):
        if self.state == RUNNING:
            ready = self.woken or number(self.block["next_"]) == QUEUED
            return (" is ready" if ready else " is running"), ""
        if self.state == CANCELLING:
            left = number(self.block["leaving_"])
            waited = literal(left) if left else None
            return f" is being cancelled, waited for {waited or 'something'}", Site(self.block["leaving_at_"])
        masked = ", masked," if self.state == MASKED or self.shielded else ""
        return f" waits{masked} for {self.what()}", self.where()

    def asked(self):
        if number(self.block["root_"]["cancelled"]) == 0:
            return ""
        by = number(self.block["interrupted_by_"]) & UNASKED
        return ", asked to end" + (f" by fiber {by}" if by not in (0, UNASKED) else "")

    def line(self):
        name = self.name()
        activity, site = self.activity()
        return f"fiber {self.id}" + (f" ({name})" if name else "") + activity + str(site) + self.asked()


# ---- The tree: nursery_walk and nest_streams.


def chain(nursery):
    """It and those behind it: the groups that a fiber is in, the streams of a scheduler."""
    yield nursery
    while int(nursery["next_"]) != 0:
        nursery = nursery["next_"].dereference()
        yield nursery


def members(nursery):
    found = []
    at = nursery["newest_"]
    while int(at) != 0:
        found.append(Fiber(at))
        at = Object(at, "detail::nursery_member")["older_"]
    return reversed(found)


def owner_of(nursery, otherwise):
    """The id of the fiber that its members stand below; of a stream's, the one that pulls."""
    if not nursery["of_a_stream_"]:
        return otherwise
    return number(at_address(nursery.address, type_of("detail::stream_nursery"))["consumer_"])


def walk(roots):
    """Each fiber, and the id of its parent. Those of streams come last, wherever they belong."""

    def below(nursery, owner):
        found = [(f, owner_of(n, owner)) for n in chain(nursery) for f in members(n)]
        return reversed(found)

    # No recursion: trees of fibers may be deep.
    left = [*below(roots, 0)]
    while left:
        fiber, parent = left.pop()
        yield fiber, parent
        left += below(fiber.block["children_"], fiber.id)


def write_tree(found, stacks):
    ids = {fiber.id for fiber, _ in found}
    children = {}
    for fiber, parent in found:
        children.setdefault(parent if parent in ids else 0, []).append(fiber)

    def below(owner, depth):
        return ((f, depth) for f in reversed(children.get(owner, [])))

    left = [*below(0, 0)]
    while left:
        fiber, depth = left.pop()
        gdb.write("  " * depth + fiber.line() + "\n")
        if stacks and fiber.state in (WAITING, MASKED):
            for site in fiber.sites()[:STACK_LIMIT]:
                gdb.write("  " * (depth + 2) + f"awaits{site}\n")
        left += below(fiber.id, depth + 1)


def write_fibers(roots, stacks):
    found = []
    try:
        found.extend(walk(roots))
    finally:  # of damaged memory, what comes before
        write_tree(found, stacks)


# ---- Schedulers.


def is_scheduler(kind):
    kind = kind.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT:
        return False
    if kind.name == NAMESPACE + "scheduler":
        return True
    return any(f.is_base_class and is_scheduler(f.type) for f in kind.fields())


def as_scheduler(value):
    """A pointer to the scheduler that `value` is, points or refers to; None if it is none."""
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        if not is_scheduler(kind.target()):
            return None
        value = value.referenced_value()
    elif not is_scheduler(kind):
        return None
    return value.address.cast(type_of("scheduler").pointer())


def schedulers_of_frame(frame):
    try:
        block = frame.block()
    except RuntimeError:
        return
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            if symbol.is_variable or symbol.is_argument:
                try:
                    value = symbol.value(frame)
                    if not value.is_optimized_out:
                        yield as_scheduler(value)
                except (gdb.error, RuntimeError):
                    pass
        block = block.superblock


def schedulers_of_threads():
    found = {}
    before = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame is not None:
            for each in schedulers_of_frame(frame):
                if each is not None and int(each) != 0:
                    found.setdefault(int(each), each)
            try:
                frame = frame.older()
            except gdb.error:
                frame = None
    if before is not None:
        before.switch()
    return list(found.values())


class CoirFibers(gdb.Command):
    """coir-fibers [-stacks] [SCHEDULER]
The live fibers of a scheduler, or of all on the stacks of the threads: who they are, what they do
and wait for, and where. With -stacks, where each of their tasks awaits, too."""

    def __init__(self):
        super().__init__("coir-fibers", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        stacks = bool(words) and words[0] == "-stacks"
        expression = argument.split(None, 1)[1] if stacks and len(words) > 1 else "" if stacks else argument.strip()
        if expression:
            scheduler = as_scheduler(gdb.parse_and_eval(expression))
            if scheduler is None:
                raise gdb.GdbError(f"{expression} is no coir::scheduler")
            write_fibers(scheduler["fibers_"], stacks)
            return
        found = schedulers_of_threads()
        if not found:
            raise gdb.GdbError("no scheduler is on the stack of a thread; name one: coir-fibers EXPRESSION")
        for each in found:
            gdb.write(f"{each.dynamic_type.target()} at {int(each):#x}\n")
            write_fibers(each["fibers_"], stacks)


CoirFibers()
