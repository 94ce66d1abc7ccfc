// The base of a stage that a deferred ends: interrupt_when, halt_when.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/stream/concept.hpp>

#include <type_traits>

namespace coir::inline v0::detail {

// A signal that succeeded ends the stream; a failure or defect of it is the stream's.
template <class Up, class Signal>
class signalled_stage {
    using cell = std::remove_pointer_t<Signal>;

public:
    using value_type = typename Up::value_type;
    using error_type = errors<typename Up::error_type, typename cell::outcome_type::error_type>;

    signalled_stage(Up&& up, cell* signal) : up_{std::move(up)}, signal_{signal} {}

    status poll_close(fiber_base& f) {
        closing_ = true;
        return up_.poll_close(f);
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return stopped_ ? error_as<error_type>(*signal_->poll()) : error_as<error_type>(up_);
    }
    std::exception_ptr defect() { return stopped_ && !closing_ ? signal_->poll()->defect() : up_.defect(); }
    fiber_id interrupted_by() { return stopped_ ? signal_->poll()->interrupted_by() : up_.interrupted_by(); }

protected:
    bool is_signalled() const noexcept { return signal_->is_done(); }
    // The signal is done, and ends the stream.
    status stopped() noexcept {
        stopped_ = true;
        status const s = status_of(signal_->poll()->kind());
        return s == status::value ? status::end : s;
    }

    Up up_;
    cell* signal_;
    bool stopped_ = false;
    bool closing_ = false;
};

} // namespace coir::inline v0::detail
