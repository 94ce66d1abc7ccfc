// A stream as a range, for a plain thread.
//
//     for (std::string& line : coir::blocking_range(pool, log_file() | coir::streams::split_lines()))
//         std::puts(line.c_str());
//
//     auto firsts = coir::blocking_range(pool, numbers()) | std::views::take(10);
//
// The stream is pulled by a fiber of the scheduler, one element each time the range is advanced,
// and the thread sleeps meanwhile.
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/parker.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/scheduler.hpp>
#include <coir/stream/with_stream.hpp>
#include <coir/sync/queue.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

namespace coir::inline v0 {

// Thrown in a plain thread whose blocking_range failed: the typed failure, as an exception.
template <class E>
class stream_failed : public std::exception {
public:
    explicit stream_failed(E e) : error_(std::move(e)) {}
    E const& error() const noexcept { return error_; }
    char const* what() const noexcept override { return "coir: a stream failed"; }

private:
    E error_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// Between the thread that reads and the fiber that pulls, which take turns: the parker orders
// what they share.
template <class T>
class range_exchange {
public:
    // ---- The thread.

    // Asks for an element and waits. False: there is none, and the fiber is about to end.
    bool advance() {
        element_.reset();
        if (!over_.load(std::memory_order_acquire)) { // set before the last token, which may be used up
            static_cast<void>(requests_.try_push(unit{}));
            answered_.park();
        }
        return element_.has_value();
    }
    std::optional<T>& element() noexcept { return element_; }
    void stop() noexcept { requests_.close(); }

    // ---- The fiber.

    auto request() { return requests_.pop(); }
    void give(T&& element) {
        element_.emplace(std::move(element));
        answered_.unpark();
    }
    void gone() noexcept {
        over_.store(true, std::memory_order_release);
        answered_.unpark();
    }

private:
    queue<unit> requests_{bounded(1)};
    parker answered_;
    atomic<bool> over_{false};
    std::optional<T> element_;
};

// Part of the work of the fiber: goes with it, even if it never begins.
template <class T>
class range_keeper {
public:
    explicit range_keeper(std::shared_ptr<range_exchange<T>> kept) noexcept : kept_{std::move(kept)} {}
    range_keeper(range_keeper&&) noexcept = default;
    ~range_keeper() {
        if (kept_ != nullptr) {
            kept_->gone();
        }
    }
    range_exchange<T>& get() const noexcept { return *kept_; }

private:
    std::shared_ptr<range_exchange<T>> kept_;
};

template <class S>
task<void, typename S::error_type> pull_on_request(range_keeper<typename S::value_type> with, S source) {
    auto body = [&exchange = with.get()](auto& in) -> task<void, typename S::error_type> {
        while (co_await exchange.request()) {
            auto element = co_await next(in);
            if (!element) {
                break;
            }
            exchange.give(std::move(*element));
        }
    };
    co_await with_stream(std::move(source), body);
}

// What is to be read, and says what is wrong with it.
template <class S>
struct range_types {
    using given = std::remove_cvref_t<S>;
    static_assert(async_stream<given>, "coir: this is no stream; begin with streams::from or another source");
    static_assert(!async_stream<given> || !std::is_lvalue_reference_v<S>,
                  "coir: a pipeline is passed on as an rvalue: std::move(pipeline)");
    using value_type = typename given::value_type;
    using error_type = typename given::error_type;
};

// The fiber, for the thread: ends it, and waits until the stream is closed.
template <class T, class E>
class range_reader {
public:
    template <class S>
    range_reader(scheduler& where, S&& source) : exchange_{std::make_shared<range_exchange<T>>()} {
        throw_if_on_worker();
        pulling_ = queue_fiber(where, where.fibers(), nullptr, pull_on_request<S>, range_keeper<T>{exchange_},
                               std::move(source));
    }
    range_reader(range_reader const&) = delete;
    range_reader& operator=(range_reader const&) = delete;
    ~range_reader() {
        exchange_->stop();
        COIR_CHECK(this_worker().current == nullptr, "a blocking_range was destroyed on a thread that runs fibers");
        if (this_worker().current == nullptr) {
            pulling_.get_state().cell().wait(); // nobody looks at how it ended: then it is unhandled
        }
    }

    void begin() {
        if (!std::exchange(begun_, true)) {
            advance();
        }
    }
    void advance() {
        throw_if_on_worker();
        if (!exchange_->advance()) {
            at_end_ = true;
            throw_end();
        }
    }
    bool at_end() const noexcept { return at_end_; }
    T& element() const noexcept { return *exchange_->element(); }

private:
    void throw_end() {
        pulling_.get_state().cell().wait();
        auto const& end = *pulling_.poll();
        if constexpr (!std::same_as<E, never>) {
            if (end.is_failure()) {
                throw stream_failed<E>{end.error()};
            }
        }
        end.value(); // rethrows a defect
    }

    std::shared_ptr<range_exchange<T>> exchange_;
    fiber<void, E> pulling_;
    bool begun_ = false;
    bool at_end_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// An input range of the elements of a stream, for one plain thread: a view, moved and not copied.
// begin() gets the first element and ++ the next: the stream is pulled by a fiber of `where`, a
// thread_pool or whatever else runs on other threads, and this thread sleeps until the element is
// there. Nothing is pulled ahead. An element may be moved from.
//
// When the stream ends, fails or dies, it is closed before this thread goes on: at the end of the
// range, or with an exception out of begin() or ++: stream_failed<E>, the exception of a defect,
// or bad_outcome if it was interrupted, as when `where` is shut down. The range is at its end then.
// Who stops before the end destroys the range, which closes the stream and waits for that; what
// goes wrong then is reported as unhandled.
//
// Throws would_deadlock on a thread that runs fibers, in the constructor and when it is advanced,
// and must not be destroyed there. It may outlive `where`. Two allocations, and the fiber.
template <class T, class E = never>
class blocking_range : public std::ranges::view_base {
    using reader = detail::range_reader<T, E>;

public:
    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        T& operator*() const noexcept { return reader_->element(); }
        T* operator->() const noexcept { return std::addressof(reader_->element()); }
        iterator& operator++() {
            reader_->advance();
            return *this;
        }
        void operator++(int) { reader_->advance(); }
        friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return i.reader_->at_end(); }

    private:
        friend blocking_range;
        explicit iterator(reader& r) noexcept : reader_{&r} {}
        reader* reader_;
    };

    template <class S>
        requires async_stream<S> && std::same_as<typename S::value_type, T> && std::same_as<typename S::error_type, E>
    blocking_range(scheduler& where, S&& source) : reader_{std::make_unique<reader>(where, std::move(source))} {}

    iterator begin() const {
        reader_->begin();
        return iterator{*reader_};
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    std::unique_ptr<reader> reader_;
};

template <class S>
blocking_range(scheduler&, S&&)
    -> blocking_range<typename detail::range_types<S>::value_type, typename detail::range_types<S>::error_type>;

} // namespace coir::inline v0
