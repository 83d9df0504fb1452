#pragma once

#include <unistd.h>

#include <utility>

namespace stt::transport {

// Owns a descriptor of the operating system and closes it.
class FileDescriptor {
public:
    FileDescriptor() noexcept = default;
    explicit FileDescriptor(int value) noexcept : value_(value) {}
    ~FileDescriptor() {
        // The result says nothing of use for a socket: on Linux it is closed either way.
        if (value_ >= 0) static_cast<void>(::close(value_));
    }
    FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }

    bool is_open() const noexcept { return value_ >= 0; }
    int value() const noexcept { return value_; }

private:
    int value_ = -1;
};

}  // namespace stt::transport
