// What a pubsub has still to deliver: one log, with a cursor for each subscriber, and the last
// messages for those who come later.
//
//     [first_] [..] [..] [..] [end() - 1]       each entry counts who has not read it
//        ^ the slowest     ^ another            a subscriber at end() has read everything
//
// Cursors only go forward, so the counts never fall along the log; an entry that nobody has to
// read any more is at its head, and its size is the lag of the slowest. Not thread-safe.
#pragma once

#include <coir/detail/message.hpp>
#include <coir/detail/std/algorithm.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

// One subscription; movable, the log does not keep where it is.
template <class T>
struct subscriber {
    ring<message_ptr<T>> backlog; // replayed; comes before what is in the log
    std::uint64_t cursor = 0;
};

template <class T>
class pubsub_log {
    struct entry {
        message_ptr<T> what;
        std::size_t unread; // subscribers that have yet to read it
    };

public:
    // Memory, got and freed outside the lock.
    using memory = ring<entry>;

    explicit pubsub_log(std::size_t replay = 0) : replay_{replay} {
        if (replay != 0) {
            history_ = ring<message_ptr<T>>{replay};
        }
    }

    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t replay() const noexcept { return replay_; }
    std::size_t subscribers() const noexcept { return subscribers_; }

    // ---- Memory.
    bool has_room() const noexcept { return subscribers_ == 0 || entries_.size() < entries_.capacity(); }
    std::size_t grown() const noexcept { return entries_.grown(); }
    void move_into(memory& roomier) noexcept { entries_.move_into(roomier); }

    // ---- Subscribers. `s.backlog` has room for what is replayed.
    void join(subscriber<T>& s) noexcept {
        s.cursor = end();
        for (std::size_t i = 0; i != history_.size(); ++i) {
            s.backlog.push_back(message_ptr<T>{history_[i]});
        }
        ++subscribers_;
    }
    void leave(subscriber<T>& s) noexcept {
        for (catch_up(s); s.cursor != end(); ++s.cursor) {
            --at_cursor(s).unread;
        }
        --subscribers_;
    }
    std::size_t unread(subscriber<T>& s) const noexcept {
        catch_up(s);
        return s.backlog.size() + static_cast<std::size_t>(end() - s.cursor);
    }

    // The next message for `s`, if there is one.
    message_ptr<T> read(subscriber<T>& s) noexcept {
        if (!s.backlog.empty()) {
            return s.backlog.pop_front();
        }
        catch_up(s);
        if (s.cursor == end()) {
            return {};
        }
        entry& next = at_cursor(s);
        ++s.cursor;
        --next.unread;
        return next.what;
    }
    // Undoes a read from the log, when no entry has been dropped since.
    void unread_last(subscriber<T>& s) noexcept {
        --s.cursor;
        ++at_cursor(s).unread;
    }

    // ---- Messages. There must be room.
    void append(message_ptr<T> m, message_bin<T>& bin) noexcept {
        if (replay_ != 0) {
            if (history_.size() == replay_) {
                bin.drop(history_.pop_front());
            }
            history_.push_back(message_ptr<T>{m});
        }
        if (subscribers_ != 0) {
            entries_.push_back(entry{std::move(m), subscribers_});
        } else {
            bin.drop(std::move(m));
        }
    }
    void drop_first(message_bin<T>& bin) noexcept {
        bin.drop(entries_.pop_front().what);
        ++first_;
    }
    void drop_read(message_bin<T>& bin) noexcept {
        while (!entries_.empty() && entries_.front().unread == 0) {
            drop_first(bin);
        }
    }
    // Leaves an empty log, at the end of this one.
    pubsub_log take_all() noexcept {
        pubsub_log all;
        all.entries_.swap(entries_);
        all.history_.swap(history_);
        first_ += all.size();
        replay_ = 0;
        return all;
    }

private:
    std::uint64_t end() const noexcept { return first_ + entries_.size(); }
    // What slid out of the log is gone for the slow.
    void catch_up(subscriber<T>& s) const noexcept { s.cursor = (std::max)(s.cursor, first_); }
    entry& at_cursor(subscriber<T> const& s) noexcept { return entries_[static_cast<std::size_t>(s.cursor - first_)]; }

    std::size_t replay_;
    std::size_t subscribers_ = 0;
    std::uint64_t first_ = 0;
    ring<entry> entries_;
    ring<message_ptr<T>> history_; // the last `replay_` messages, read or not
};

} // namespace coir::inline v0::detail
