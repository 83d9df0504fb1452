#include <stt/secret.hpp>
#include <utility>

namespace stt {

void wipe(MutableBytes bytes) noexcept {
    if (bytes.empty()) return;
    std::memset(bytes.data(), 0, bytes.size());
    // The empty statement may read the memory, for all the compiler knows: the zeros must be there.
    asm volatile("" : : "r"(bytes.data()) : "memory");
}

SecretBytes::SecretBytes(Bytes bytes)
    : bytes_(std::make_unique<std::uint8_t[]>(bytes.size())), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(bytes_.get(), bytes.data(), size_);
}

SecretBytes::~SecretBytes() {
    wipe({bytes_.get(), size_});
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        wipe({bytes_.get(), size_});
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

}  // namespace stt
