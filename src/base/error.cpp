#include <stt/error.hpp>

namespace stt {

std::string_view name_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::none:
            return "none";
        case ErrorCode::protocol:
            return "protocol error";
        case ErrorCode::crypto:
            return "crypto error";
        case ErrorCode::session:
            return "session error";
        case ErrorCode::stream:
            return "stream error";
        case ErrorCode::flow_control:
            return "flow control error";
        case ErrorCode::transport:
            return "transport error";
        case ErrorCode::refused:
            return "refused";
        case ErrorCode::timeout:
            return "timeout";
        case ErrorCode::internal:
            return "internal error";
    }
    const bool is_application = static_cast<std::uint64_t>(code) >= application_error_code_min;
    return is_application ? "application error" : "unassigned error";
}

}  // namespace stt
