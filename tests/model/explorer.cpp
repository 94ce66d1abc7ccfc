// The public face, and the doors through which the program under test enters the explorer.
#include "access.hpp"
#include "engine.hpp"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>

namespace model {

using detail::engine;

std::string_view name(property broken) {
    switch (broken) {
    case property::assertion: return "assertion";
    case property::data_race: return "data race";
    case property::use_after_free: return "use after free";
    case property::bad_free: return "bad free";
    case property::leak: return "leak";
    case property::deadlock: return "deadlock";
    case property::livelock: return "livelock";
    case property::waiting: return "waiting";
    case property::exception: return "exception";
    case property::misuse: return "misuse";
    }
    return "?";
}

std::uint64_t result::schedules() const {
    std::uint64_t sum = 0;
    for (const auto& each : bounds) sum += each.schedules;
    return sum;
}

std::string result::text() const {
    std::string all;
    for (std::size_t bound = 0; bound < bounds.size(); ++bound)
        all += "bound " + std::to_string(bound) + ": " + std::to_string(bounds[bound].schedules) + " schedules, up to " +
               std::to_string(bounds[bound].max_accesses) + " accesses and " +
               std::to_string(bounds[bound].max_choices) + " choices\n";
    if (!complete) all += "not complete\n";
    if (failure)
        all += std::string(name(failure->broken)) + ": " + failure->message + "\nschedule: " + failure->schedule + '\n' +
               failure->trace;
    return all;
}

void run::thread(std::string name, std::function<void()> function) {
    const engine::guard own;
    if (threads_.size() + 1 == detail::max_threads)
        engine::instance().fail(property::misuse, "more threads than the model has room for");
    threads_.push_back({std::to_string(threads_.size() + 1) + ':' + std::move(name), std::move(function)});
}

void run::finally(std::function<void()> function) {
    const engine::guard own;
    last_.push_back(std::move(function));
}

result explore(const options& wanted, const std::function<void(run&)>& body) {
    return engine::instance().explore(wanted, body);
}

void yield() { detail::access::yield(); }

no_waiting::no_waiting() { engine::instance().allow_waiting(false); }
no_waiting::~no_waiting() { engine::instance().allow_waiting(true); }

void fence(std::memory_order order, std::source_location at) { detail::access::fence(order, at); }

void label(const void* object, std::size_t size, std::string name) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().label(object, size, std::move(name));
}

void per_thread(void* object, std::size_t size) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().per_thread(object, size);
}

void fail(property broken, const std::string& message, std::source_location at) {
    const engine::guard own;
    const std::string_view path = at.file_name();
    engine::instance().fail(broken, message + "  [" + std::string(path.substr(path.find_last_of('/') + 1)) + ':' +
                                        std::to_string(at.line()) + ']');
}

std::size_t bound_or(std::size_t otherwise) {
    const char* wanted = std::getenv("COIR_MODEL_BOUND");
    return wanted == nullptr || *wanted == '\0' ? otherwise : static_cast<std::size_t>(std::strtoul(wanted, nullptr, 10));
}

} // namespace model
