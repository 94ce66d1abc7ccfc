// A fiber that pulls a stream until it is over and then closes it: one operation without a
// coroutine frame of its own, so that an element costs no more than upstream and the handing over.
//
// Outlet, the class that derives from it, takes what is pulled:
//     optional<T>& place()        where the next element goes; asked for again and again in a pull
//     status offer(f)             it is there. value: there is room for the next one; else as
//                                 operation::poll, and if it says defect there is thrown()
//     void pulled(how, defect)    the pulls are over: end, or how else. Upstream is closed next
//     void closed(thrown)         upstream is closed; what that threw. The last call; the fiber's
//                                 memory belongs to its owner once it has left the nursery
#pragma once

#include <coir/detail/live_count.hpp>
#include <coir/stream/closing.hpp>

#include <optional>
#include <utility>

namespace coir::inline v0::detail {

template <class Up, class Outlet>
class stream_pump : public fiber_base, private suspension, private completion_base, private counted<live::fibers> {
public:
    // In `members`, on the scheduler of `puller`, whose fiber-local values it gets. of_its_owner:
    // it is part of something that outlives the nursery's members; counted: the owner, who has
    // made it with new, releases it once.
    stream_pump(fiber_base& puller, nursery& members, Up&& up, lifetime l = lifetime::of_its_owner)
        : fiber_base{puller.where(), members, l}, up_{std::move(up)}, counted_{l == lifetime::counted} {
        if (puller.top() != nullptr) {
            frame_.site = puller.top()->site; // it is where its stage is awaited
        }
    }

    // Queued behind what is ready; in a scope that was stopped it ends without pulling.
    void start() noexcept { start_in_nursery(nullptr); }

    Up& upstream() noexcept { return up_.stream(); }

    // Once it is closed.
    fiber_id ended_by() { return interrupt_requested() ? interrupted_by() : upstream().interrupted_by(); }

protected:
    ~stream_pump() = default;

private:
    // The loop of a fiber polls what its top frame waits in, and destroys the frame that failed.
    struct stand_in : frame {};
    enum class step : unsigned char { pull, offer, close };

    Outlet& outlet() noexcept { return static_cast<Outlet&>(*this); }

    void begin() noexcept override {
        frame_.handle = std::noop_coroutine();
        frame_.waits_in = this;
        push_frame(frame_, *this);
        to_loop(status::value);
    }

    status poll(fiber_base& f) noexcept override {
        for (;;) {
            switch (step_) {
            case step::pull: {
                status const s = up_.pull(f, outlet().place());
                if (!has_ended(s)) {
                    return s;
                }
                if (s != status::value) {
                    over(s, s == status::defect ? up_.defect() : nullptr);
                    break;
                }
                step_ = step::offer;
                [[fallthrough]];
            }
            case step::offer: {
                status const s = outlet().offer(f);
                if (!has_ended(s)) {
                    return s;
                }
                if (s == status::value) {
                    step_ = step::pull;
                    break;
                }
                if constexpr (requires { outlet().thrown(); }) {
                    over(s, s == status::defect ? outlet().thrown() : nullptr);
                } else {
                    over(s);
                }
                break;
            }
            case step::close: {
                status ended = status::end;
                status const s = up_.close(f, ended);
                if (!has_ended(s)) {
                    return s;
                }
                thrown_ = ended == status::defect ? up_.defect() : nullptr;
                return status::failure; // out of the stand-in
            }
            }
        }
    }

    void over(status s, std::exception_ptr defect = nullptr) noexcept {
        step_ = step::close;
        over_ = true;
        outlet().pulled(s, std::move(defect));
    }

    void end_cancelled() noexcept override {
        if (!over_) {
            over(status::cancelled);
        }
    }
    void end_defect(std::exception_ptr) noexcept override {} // begin() throws nothing
    // An end that is no interruption point: all that can be given up was.
    status root_status() const noexcept override { return status::end; }
    void publish() noexcept override { outlet().closed(std::move(thrown_)); }
    void destroy() noexcept override {
        if (counted_) {
            delete static_cast<Outlet*>(this);
        }
    }

    closing<Up> up_;
    stand_in frame_;
    std::exception_ptr thrown_; // by the closing
    step step_ = step::pull;
    bool over_ = false;
    bool counted_;
};

} // namespace coir::inline v0::detail
