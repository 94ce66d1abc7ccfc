# Mistakes that are planted in copies of the library's headers, each of which must be found:
#
#     coir_mutation(<name> <header> "<scene>" "<what is reported>" <text> <replacement>...)
#
# The scene is in the file `scenes_of_mutants`. `text` is there exactly once, or configuring fails: after a change of the header the mistake is
# to be planted anew. The report is a property of the explorer and the beginning of its message.

set(scenes_of_mutants deferred_scenes.cpp)

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

set(scenes_of_mutants bridge_scenes.cpp)

# ---- bridge.hpp
coir_mutation(bridge_touched_after_fire bridge.hpp "resume/register" "data race"
  [[me.resumed_ = true; // the fiber sees it: fire() and meet() release]] [[]]
  [[f.wake_cancelled();
        }]] [[f.wake_cancelled();
        }
        me.resumed_ = true;]])
coir_mutation(resumer_does_not_meet bridge.hpp "resume/interrupt" "data race"
  [[!f.fire() && f.claim().meet()]] [[!f.fire()]])
coir_mutation(resumer_leaves_it_to_the_canceller bridge.hpp "resume/interrupt" "deadlock"
  [[if (!f.fire() && f.claim().meet()) {]] [[if (!f.fire() && false) {]])

# ---- foreign_operation.hpp
coir_mutation(handed_out_before_it_waits foreign_operation.hpp "resume/interrupt/register" "deadlock"
  [[f.begin_wait(this);
            return suspend() ? status::pending : status::value;]]
  [[bool const waits = suspend();
            f.begin_wait(this);
            f.end_wait();
            return waits ? status::pending : status::value;]])
coir_mutation(connected_too_late foreign_operation.hpp "resume/register" "data race"
  [[connect(f);
            f.begin_wait(this);
            return suspend() ? status::pending : status::value;]]
  [[f.begin_wait(this);
            bool const waits = suspend();
            connect(f);
            return waits ? status::pending : status::value;]])
coir_mutation(refused_cancellation_wakes foreign_operation.hpp "await_cancel/interrupt/resume" "data race"
  [[if (f.claim().meet()) {
            f.wake_cancelled();
        }]] [[f.wake_cancelled();]])
coir_mutation(taken_back_and_not_woken foreign_operation.hpp "await_cancel/interrupt/register" "deadlock"
  [[f.wake_cancelled();
                return;]] [[return;]])
coir_mutation(result_that_came_is_dropped foreign_operation.hpp "resume/interrupt" "assertion: what completed is reported"
  [[return has_result() ? status::value : status::cancelled;]] [[return status::cancelled;]])
coir_mutation(result_that_did_not_come_is_given foreign_operation.hpp "await_cancel/interrupt/resume" "data race"
  [[return has_result() ? status::value : status::cancelled;]] [[return status::value;]])
coir_mutation(must_resume_not_asked foreign_operation.hpp "await_must_resume/interrupt/resume" "assertion: what has no result"
  [[return was_resumed() && awaiter_.get().await_must_resume();]] [[return was_resumed();]])

set(scenes_of_mutants group_scenes.cpp)

# ---- deciding_group.hpp
coir_mutation(counted_before_it_decides deciding_group.hpp "race/end/fail" "assertion: a race fails when all have failed"
  [[settle(index, !OnlySuccess || succeeded);]] [[]]
  [[if (OnlySuccess && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {]]
  [[if (bool const last = left_.fetch_sub(1, std::memory_order_acq_rel) == 1; last || !OnlySuccess || succeeded) {]])
coir_mutation(last_to_fail_does_not_decide deciding_group.hpp "race/fail/fail" "assertion: only who was interrupted"
  [[if (OnlySuccess && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {]] [[if (false) {]])
coir_mutation(decided_again_by_each deciding_group.hpp "any/end" "assertion: only an unfinished deferred"
  [[if (counts && first_.load(std::memory_order_relaxed) == undecided) {]] [[if (counts) {]])

# ---- group.hpp
coir_mutation(owner_not_stopped group.hpp "all/fail" "deadlock"
  [[if (owner_->cancel_region(region_)) {
            owner_->finish_cancel();
        }]] [[]])
coir_mutation(group_left_with_members group.hpp "any/interrupt" "assertion: nobody is resumed after"
  [[if (members_.wait_and_close(*this)) {]] [[if (asked || members_.wait_and_close(*this)) {]])
coir_mutation(members_left_when_interrupted group.hpp "any/interrupt" "deadlock"
  [[if (asked) {
            members_.stop(f.id());
        }]] [[]])
coir_mutation(quiet_does_not_meet group.hpp "all of range/interrupt/end/end" "data race"
  [[if (!f.fire() && f.claim().meet()) {]] [[if (!f.fire()) {]])
coir_mutation(canceller_of_a_group_does_not_meet group.hpp "all of range/interrupt/end/end" "data race"
  [[if (members_.stop_waiting() || f.claim().meet()) {]] [[{
            static_cast<void>(members_.stop_waiting());]])

# ---- group_member.hpp
coir_mutation(end_of_a_leaf_is_an_interruption_point group_member.hpp "all/interrupt/end/end" "assertion: what completed is reported"
  [[status root_status() const noexcept override { return status::end; }]]
  [[status root_status() const noexcept override { return status::value; }]])

set(scenes_of_mutants pop_scenes.cpp)

# ---- What is handed to one of several.
coir_mutation(handed_to_a_loser deciding_group.hpp "pop/pushed/pushed" "assertion: no element is lost"
  [[if (is_lost(index) || !member.try_fire(post_it)) {]] [[if (!member.try_fire(post_it)) {]])
coir_mutation(taken_by_a_loser deciding_group.hpp "pop/begin/push/pushed" "assertion: no element is lost"
  [[bool may_take(std::size_t index) noexcept { return claim(index, true); }]]
  [[bool may_take(std::size_t) noexcept { return true; }]])
coir_mutation(refused_and_not_cancelled waiting_line.hpp "pop/pushed/pushed" "deadlock"
  [[refused_.push(*w.fiber_);]] [[]])

set(scenes_of_mutants start_scenes.cpp)

# ---- started.hpp, start_operation.hpp
coir_mutation(word_read_while_it_is_written start_operation.hpp "start/fail/interrupt" "data race"
  [[return ready_.take_back();]] [[return said().complete_by([] { return outcome<V, never>::interrupted(fiber_id{}); });]]
  [[ready_.is_said()]] [[said().end().is_success()]])
coir_mutation(child_owned_by_both start_operation.hpp "start/fail" "assertion"
  [[!will_not_be_said() && ready_.is_said()]] [[will_not_be_said() || ready_.is_said()]])
coir_mutation(child_owned_by_nobody start_operation.hpp "start/say/fail" "assertion"
  [[!will_not_be_said() && ready_.is_said()]] [[false && will_not_be_said()]])
coir_mutation(gives_up_a_word_that_was_said start_operation.hpp "start/say/interrupt" "assertion"
  [[gave_up_ = child().will_not_be_said();]] [[child().will_not_be_said();
        gave_up_ = true;]])
coir_mutation(gives_up_without_asking start_operation.hpp "start/interrupt" "deadlock"
  [[child().request_interrupt(f.id());]] [[]])

set(scenes_of_mutants owned_scenes.cpp)

# ---- owned_fibers.hpp
coir_mutation(previous_not_asked_to_end owned_fibers.hpp "slot/close/replace after" "deadlock"
  [[frozen.add(before, by);]] [[]]
  [[freeze_all(frozen, f.id());
        w.up_to_]] [[w.up_to_]])
coir_mutation(successor_not_posted owned_fibers.hpp "slot/replace after" "deadlock"
  [[owned_member* const next = m.successor_;]] [[owned_member* const next = nullptr;]])
coir_mutation(successor_starts_early owned_fibers.hpp "slot/replace after" "data race"
  [[before.successor_ = after_it ? &next : nullptr;
        return !after_it;]] [[before.successor_ = nullptr;
        return true;]])
coir_mutation(entry_taken_from_a_later_one owned_fibers.hpp "slot/replace" "assertion: nobody is left"
  [[if (m.has_entry_) {
            m.has_entry_ = false;
            --entries_;]] [[if (true) {
            m.has_entry_ = false;
            --entries_;]])
coir_mutation(withdrawn_waiter_left_in_line owned_fibers.hpp "slot/empty/interrupt/end" "deadlock"
  [[any_line::leave(w);]] [[]])
coir_mutation(cleared_too_early owned_fibers.hpp "slot/clear/end" "assertion: who cleared the slot sees"
  [[w.up_to_ = newest_->number_;]] [[w.up_to_ = newest_->number_;
        return true;]])
coir_mutation(looked_at_without_lock owned_fibers.hpp "slot/replace" "data race"
  [[void ending(owned_member& m) noexcept {
        std::lock_guard guard{lock_};]] [[void ending(owned_member& m) noexcept {]])
coir_mutation(ended_is_not_told owned_fibers.hpp "slot/clear" "deadlock"
  [[wakes.wake(cleared_.front(), leaving_);]] [[any_line::leave(cleared_.front());]])

# ---- waiting_line.hpp
coir_mutation(frozen_fiber_posted waiting_line.hpp "slot/clear/interrupt" "data race"
  [[leaving.append(w);
            return false;]] [[leaving.append(w);
            post_it = true;]])

set(scenes_of_mutants pool_scenes.cpp)

# ---- pool_core.hpp, idle_workers.hpp
coir_mutation(searcher_that_gave_up_takes_one pool_core.hpp "pool/post two" "deadlock"
  [[more = is_work_published(); // posted while this worker was the searcher, perhaps
            if (!more && !stopping_]] [[if (!is_work_published() && !stopping_]])
coir_mutation(looks_at_work_and_leaves_it pool_core.hpp "pool/bring two" "livelock"
  [[(idle_.try_search(me) || has_seen_some)]] [[idle_.try_search(me)]])
coir_mutation(searcher_does_not_look_again pool_core.hpp "pool/post two" "deadlock"
  [[(searched || more) && is_work_published()]] [[more && is_work_published()]])
coir_mutation(sleeps_without_a_last_look pool_core.hpp "pool/post" "deadlock"
  [[if (!more && !stopping_.load(std::memory_order_acquire)) {]] [[if (!stopping_.load(std::memory_order_acquire)) {]])
coir_mutation(stop_is_not_seen pool_core.hpp "pool/post two" "deadlock"
  [[if (!more && !stopping_.load(std::memory_order_acquire)) {]] [[if (!more) {]])
coir_mutation(post_by_work_wakes_nobody pool_core.hpp "pool/bring" "deadlock"
  [[if (me.running != nullptr && !(again && me.ready.empty())) {]] [[if (false) {]])
coir_mutation(woken_does_not_search idle_workers.hpp "pool/post two" "deadlock"
  [[if (!me.listed) {
            me.searching = true;]] [[if (!me.listed) {
            searched_ = false;
            store_state();]])
coir_mutation(deadline_wakes_nobody idle_workers.hpp "pool/arm" "deadlock"
  [[wake_keeper(at);
                }
                return;]] [[}
                return;]])

set(scenes_of_mutants deque_scenes.cpp)

# ---- work_deque.hpp
coir_mutation(newest_taken_twice work_deque.hpp "deque/pop one/steal" "data race"
  [[if (top == newest && top_.compare_exchange_strong(top, bottom, std::memory_order_seq_cst)) {]] [[if (top == newest) {
            top_.store(bottom, std::memory_order_seq_cst);]])
coir_mutation(taken_before_it_is_seen work_deque.hpp "deque/pop/steal/steal" "assertion: work is taken once"
  [[bottom_.store(newest, std::memory_order_seq_cst);]] [[]])
coir_mutation(oldest_taken_by_two work_deque.hpp "deque/pop/steal/steal" "data race"
  [[if (top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst)) {
                return work;]] [[if (true) {
                top_.store(top + 1, std::memory_order_seq_cst);
                return work;]])
coir_mutation(half_is_moved_and_stays work_deque.hpp "deque/move half/steal" "assertion: work is taken once"
  [[while (!top_.compare_exchange_weak(top, top + half, std::memory_order_seq_cst));]]
  [[while (false);]])

set(scenes_of_mutants loop_scenes.cpp)

# ---- mailbox.hpp, run_loop.hpp
coir_mutation(sleeper_is_not_told mailbox.hpp "loop/complete" "deadlock"
  [[return seen == asleep();]] [[return false;]])
coir_mutation(falls_asleep_on_work mailbox.hpp "loop/complete" "deadlock"
  [[return newest_.compare_exchange_strong(seen, asleep(), std::memory_order_acq_rel, std::memory_order_acquire);]]
  [[return seen == newest_.exchange(asleep(), std::memory_order_acq_rel) || true;]])
coir_mutation(posted_without_release mailbox.hpp "loop/complete" "data race"
  [[(seen, &r, std::memory_order_acq_rel, std::memory_order_relaxed)]]
  [[(seen, &r, std::memory_order_acquire, std::memory_order_relaxed)]])
coir_mutation(deadline_read_too_early ../runtime/run_loop.hpp "loop/arm" "deadlock"
  [[if (!mailbox_.fall_asleep()) {]] [[time_point const deadline = timers_.next_deadline();
        if (!mailbox_.fall_asleep()) {]]
  [[        time_point const deadline = timers_.next_deadline();
        if (deadline]] [[        if (deadline]])
