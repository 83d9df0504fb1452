#include <cerrno>
#include <platform/system_error.hpp>

namespace stt::platform {

SystemError last_system_error() noexcept {
    return {errno, std::system_category()};
}

}  // namespace stt::platform
