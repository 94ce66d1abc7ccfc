# Mistakes that are planted in copies of the library's headers, each of which must be found:
#
#     coir_mutation(<name> <header> "<scene>" "<what is reported>" <text> <replacement>...)
#
# `text` is there exactly once, or configuring fails: after a change of the header the mistake is
# to be planted anew. The report is a property of the explorer and the beginning of its message.

# ---- waiter_list.hpp: the janitor.
coir_mutation(removed_resumed_before_release waiter_list.hpp "remove/destroy" "waiting"
  [[removed = removal;]] [[waiter::of_removal(*removal).removed();]])
coir_mutation(removed_resumed_before_list_is_taken waiter_list.hpp "remove/complete/arrive/destroy" "waiting"
  [[if (exchange(now, done | claimed)) {
                    wake(clean_head]] [[while (removed != nullptr) {
                    waiter& w = waiter::of_removal(*removed);
                    removed = removed->older;
                    w.removed();
                }
                if (exchange(now, done | claimed)) {
                    wake(clean_head]])
coir_mutation(removal_without_lock waiter_list.hpp "remove/remove/destroy" "data race"
  [[| janitor));]] [[));]])
coir_mutation(splice_skipped waiter_list.hpp "remove/remove/complete" "use after free"
  [[stop != nullptr ? rest : e]] [[e]])
coir_mutation(removal_leaves_its_waiter waiter_list.hpp "complete/remove" "use after free"
  [[unlink(waiter::of_removal(*removal).wait(), left);]] [[]])
coir_mutation(claim_dropped_by_janitor waiter_list.hpp "complete/complete/remove" "data race"
  [[(now & claimed) | ]] [[]])

# ---- waiter_list.hpp: the others.
coir_mutation(janitor_ignored_by_completer waiter_list.hpp "remove/remove/complete" "data race"
  [[(now & janitor) != 0 ? now | done : done | claimed]] [[done | claimed]]
  [[if ((now & janitor) == 0) {
            wake_all(head(now), false);
        }
    }]] [[wake_all(head(now), false);
    }]])
coir_mutation(janitor_ignored_by_abandon waiter_list.hpp "abandon/remove/remove" "data race"
  [[if ((now & janitor) == 0) {
                if]] [[if (true) {
                if]])
coir_mutation(done_ignored_by_push waiter_list.hpp "push/push/complete" "deadlock"
  [[if ((now & done) != 0) {
                return false;]] [[if (false) {
                return false;]])
coir_mutation(done_ignored_by_removal waiter_list.hpp "complete/remove" "data race"
  [[if ((now & (done | janitor)) == done)]] [[if (false)]])
coir_mutation(claim_given_to_all waiter_list.hpp "complete/complete" "data race"
  [[& claimed) == 0;]] [[& 0) == 0;]])
coir_mutation(claim_ignored_by_finish waiter_list.hpp "signal/signal" "assertion: one completer wins"
  [[if ((now & claimed) != 0)]] [[if (false)]])
coir_mutation(relaxed_publish waiter_list.hpp "push/push/complete" "data race"
  [[desired, std::memory_order_acq_rel,]] [[desired, std::memory_order_relaxed,]])
coir_mutation(relaxed_look waiter_list.hpp "push/push/complete" "data race"
  [[return (word_.load(std::memory_order_acquire) & done) != 0;]]
  [[return (word_.load(std::memory_order_relaxed) & done) != 0;]])
coir_mutation(last_woken_first waiter_list.hpp "in order" "assertion: waiters are woken in the order"
  [[entry* oldest = nullptr;]] [[entry* oldest = newest;
        newest = nullptr;]])
coir_mutation(entry_read_after_wake waiter_list.hpp "in order" "data race"
  [[oldest = oldest->older;]] [[]]
  [[w.fired(how);]] [[w.fired(how);
            oldest = oldest->older;]])

# ---- deferred_cell.hpp
coir_mutation(published_before_written deferred_cell.hpp "push/push/complete" "data race"
  [[waiters_.publish();]] [[]]
  [[void store(Make&& make) noexcept {]] [[void store(Make&& make) noexcept {
        waiters_.publish();]])

# ---- wait_leaf.hpp
coir_mutation(canceller_does_not_meet wait_leaf.hpp "complete/remove" "data race: destruction of fiber"
  [[ && f.claim().meet()) {]] [[) {]])
coir_mutation(waker_does_not_meet wait_leaf.hpp "complete/remove" "data race"
  [[if (f.claim().meet()) {]] [[{]])
coir_mutation(waiter_touched_after_fire wait_leaf.hpp "push/push/complete" "data race"
  [[return; // the waiter may be gone]] [[abandoned_ = how.is_abandoned();
            return;]])
coir_mutation(abandon_ignores_canceller wait_leaf.hpp "abandon/remove" "data race: destruction of deferred"
  [[how.is_abandoned() && !f.claim().has_met()]] [[false]])

# ---- claim.hpp
coir_mutation(commit_ignores_others claim.hpp "interrupt/register/complete" "deadlock"
  [[return replace(seen, with_state(seen, as) + version_one);]]
  [[word_.store(with_state(seen, as) + version_one, std::memory_order_release);
        return true;]])
coir_mutation(request_not_counted claim.hpp "interrupt/register" "deadlock"
  [[word_.fetch_add(version_one,]] [[word_.fetch_add(0,]])
coir_mutation(request_is_a_flag claim.hpp "signal/interrupt under a mask" "deadlock"
  [[word_.fetch_add(version_one, std::memory_order_acq_rel) + version_one]]
  [[word_.fetch_or(version_one, std::memory_order_acq_rel) | version_one]])

# ---- cancel_state.hpp
coir_mutation(fired_fiber_cancelled cancel_state.hpp "complete/remove" "data race"
  [[claim_word::state(seen) == wait_state::waiting &&]] [[]])
coir_mutation(commit_without_look cancel_state.hpp "interrupt/register" "deadlock"
  [[claim_word::requests(now) != claim_word::requests(seen()) &&]] [[false &&]])
coir_mutation(early_fire_overlooked cancel_state.hpp "push/push/complete" "deadlock"
  [[if (claim_word::turn(now) != claim_word::turn(seen())) {
                return parked::fired;]] [[if (false) {
                return parked::fired;]])
coir_mutation(flag_set_after_request cancel_state.hpp "interrupt/register" "deadlock"
  [[r.cancelled.store(true, std::memory_order_release);]] [[]]
  [[claim_word::value seen = claim_.request();]] [[claim_word::value seen = claim_.request();
        r.cancelled.store(true, std::memory_order_release);]])
coir_mutation(mask_ignored_by_request cancel_state.hpp "interrupt/mask/complete" "assertion: what is masked is not interrupted"
  [[> claim_word::shield(seen)]] [[> 0]])
coir_mutation(mask_ignored_by_look cancel_state.hpp "interrupt/mask/complete" "assertion: what is masked is not interrupted"
  [[> shield;]] [[> 0;]])
coir_mutation(request_lost_under_mask cancel_state.hpp "interrupt twice under a mask" "assertion: an interruption under a mask"
  [[r.cancelled.store(true,]] [[if (shield() == 0) r.cancelled.store(true,]])

# ---- Regions, children and the control block.
coir_mutation(frozen_fiber_fired fiber_base.hpp "complete/remove" "data race"
  [[case wait_state::cancelling: return false;]] [[case wait_state::cancelling: post(); return true;]])
coir_mutation(region_left_under_signal region_signal.hpp "signal/complete" "data race"
  [[if (state_.compare_exchange_strong(s, state::parked,]] [[if (false && state_.compare_exchange_strong(s, state::parked,]])
coir_mutation(parked_region_not_woken region_signal.hpp "signal/complete" "deadlock"
  [[f.fire();]] [[]])
coir_mutation(region_left_with_timer region_timer.hpp "timeout/complete" "use after free"
  [[fiber_->where().disarm(*this);]] [[]])
coir_mutation(children_not_awaited fiber_loop.hpp "interrupt/scope exit" "use after free"
  [[return children_.wait(*this, under);]] [[return true;]])
coir_mutation(relaxed_release fiber_base.hpp "interrupt/register" "data race"
  [[references_.fetch_sub(1, std::memory_order_acq_rel)]] [[references_.fetch_sub(1, std::memory_order_relaxed)]])

# ---- Callbacks run when nothing is left half done.
coir_mutation(callbacks_before_all_are_told region_signal.hpp "signal/complete/callback drops another" "deadlock"
  [[callbacks_later const others{how.callbacks()};]] [[]])
coir_mutation(callbacks_before_all_are_let_go nursery.hpp
  "interrupt/scope exit/complete/callback ends what a child waits for" "deadlock"
  [[callbacks_later const all_are_let_go;]] [[]])
coir_mutation(callbacks_in_a_fiber_that_left fiber_base.hpp "complete/callback looks around/two workers" "data race"
  [[this_worker().fiber = nullptr;]] [[]])

# ---- fiber_walk.hpp: a dump.
coir_mutation(woken_while_read fiber_walk.hpp "read/complete" "deadlock"
  [[walk.keep(*held);]] [[]])
coir_mutation(cancelled_while_read fiber_walk.hpp "read/interrupt" "deadlock"
  [[if (claim_word::state(f.seen_claim()) == wait_state::cancelling) {]]
  [[if (claim_word::state(f.seen_claim()) == wait_state::cancelling) {
            } else if (false) {]])
coir_mutation(read_without_hold fiber_walk.hpp "read/complete" "data race"
  [[bool const held = f.hold();]] [[bool const held = claim_word::state(f.seen_claim()) == wait_state::waiting;]]
  [[held->let_go() != cancel_state::parked::committed]] [[false]])
coir_mutation(read_after_its_nursery fiber_walk.hpp "read/scope exit" "data race"
  [[outer.lock_.unlock();
        levels_.push_back]] [[outer.lock_.unlock();
        first->lock_.unlock();
        levels_.push_back]]
  [[left.lock_.unlock();
    }]] [[if (levels_.empty()) left.lock_.unlock();
    }]])
