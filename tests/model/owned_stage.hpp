// The cast of a scenario with a slot for one running fiber: a scope that it belongs to, fibers in
// it, who replaces them, and who clears the slot.
//
//     s.holds(detail::owned_until::cleared);
//     s.runs();
//     s.replaces();
#pragma once

#include "players.hpp"

#include <coir/fiber_slot.hpp>

#include <array>
#include <memory>
#include <optional>

namespace scenario {

class owned_stage final : public players {
    using wait = detail::deferred_wait<int, coir::never>;

    /// A fiber of the slot, which sees to it that one runs at a time where that is promised.
    class member final : public player<wait>, public detail::owned_member {
    public:
        member(owned_stage& s, ending& end)
            : player<wait>{s.core_->where(), s.core_->home(), wait{*s.value_}, end},
              owned_member{*static_cast<fiber_base*>(this)}, stage_{&s} {}

    private:
        void begin() override {
            runs_ = stage_->one_at_a_time_;
            if (runs_) MODEL_ASSERT(++stage_->running_ == 1, "never two at once");
            player<wait>::begin();
        }
        void publish() noexcept override {
            if (runs_) --stage_->running_;
            player<wait>::publish();
            stage_->core_->ending(*this);
            stage_->core_->ended(*this, false);
        }
        void destroy() noexcept override { delete this; }

        owned_stage* stage_;
        bool runs_ = false;
    };

    struct members_of_a_scope final : detail::group {}; // final, so that it may be deleted

    /// A scope with a slot, whose body does one thing.
    class scope {
    public:
        using value_type = int;
        using error_type = coir::never;

        scope(owned_stage& s, std::unique_ptr<members_of_a_scope> members, std::optional<detail::owned_until> body)
            : stage_{&s}, group_{std::move(members)}, body_{body} {}

        detail::status poll(detail::fiber_base& f) {
            if (body_ && !detail::has_ended(ended_)) {
                // Without a count of owners, which the explorer could not see: the stage is the owner.
                const std::shared_ptr<void> nobody;
                if (!wait_) wait_.emplace(std::shared_ptr<detail::owned_fibers>(nobody, stage_->core_.get()), *body_);
                ended_ = wait_->poll(f);
                if (!detail::has_ended(ended_)) return ended_;
                if (ended_ == detail::status::value) stage_->body_has_ended();
            }
            if (group_->poll_members(f) == detail::status::pending) return detail::status::pending;
            stage_->core_->close();
            return group_->exit(body_ ? ended_ : detail::status::value);
        }
        int get() const { return answer; }
        std::exception_ptr defect() const { return nullptr; }
        coir::fiber_id interrupted_by() const { return {}; }

    private:
        owned_stage* stage_;
        std::unique_ptr<members_of_a_scope> group_;
        std::optional<detail::owned_until> body_;
        std::optional<detail::owned_wait> wait_;
        detail::status ended_ = detail::status::pending;
    };

public:
    explicit owned_stage(model::run& run) : players(run) {
        model::label(*value_, "value");
        run.finally([this] { finish(); });
    }

    // ---- The scope: its body waits for nothing, or clears the slot, or waits until it is empty.

    actor& holds(std::optional<detail::owned_until> body = std::nullopt) {
        auto made = std::make_unique<members_of_a_scope>();
        detail::group& members = *made;
        owner_ = &with_members(2, scope{*this, std::move(made), body}, false);
        members.enter(*owner_->fiber);
        core_ = std::make_unique<detail::slot_core>(members);
        return *owner_;
    }

    /// From here on, who takes a place waits for the end of who had it.
    void one_at_a_time() { one_at_a_time_ = true; }
    /// A fiber that waits in the slot when the others start.
    void runs() {
        install();
        owner_->many->turn(1);
    }
    /// The scope's fiber waits already when the others start.
    void has_begun() { owner_->many->turn(0); }
    /// Another one takes its place.
    void replaces() {
        run().thread("replacer", [this] { install(); });
    }
    /// What the fibers of the slot wait for is there.
    void is_complete() { static_cast<void>(value_->complete(coir::in_place_success, answer)); }

private:
    void install() {
        ending& end = endings_.at(installed_.fetch_add(1, std::memory_order_relaxed));
        auto* const m = new member(*this, end);
        detail::carry_out(*m, core_->install(*m, {.after_previous = one_at_a_time_}));
        m->release(); // the handle, which nobody wants
    }

    // All that waited in the slot when the others started have ended, and that is seen.
    void body_has_ended() const {
        MODEL_ASSERT(endings_[0].times == 1, "who cleared the slot sees that all have ended");
    }

    void check_value(const actor& who) const override { MODEL_ASSERT(who.end.value == answer); }

    void finish() {
        end_of_all();
        for (std::size_t i = 0; i < installed_.load(); ++i)
            MODEL_ASSERT(endings_[i].times == 1, "a fiber ends once [D17]");
        MODEL_ASSERT(core_->size() == 0, "nobody is left");
        core_.reset();
        delete value_;
    }

    cell* value_ = new cell;
    actor* owner_ = nullptr;
    std::unique_ptr<detail::slot_core> core_;
    std::array<ending, 3> endings_{};
    detail::atomic<std::size_t> installed_{0};
    int running_ = 0; // where they come one after the other; else they would race for it
    bool one_at_a_time_ = false;
};

} // namespace scenario
