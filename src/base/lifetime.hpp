#pragma once

#include <memory>

namespace stt {

// A member of an object whose handlers may come when it is gone: they hold watch(), and look first.
class Lifetime {
public:
    Lifetime() = default;
    Lifetime(const Lifetime&) = delete;
    Lifetime& operator=(const Lifetime&) = delete;

    class Watch {
    public:
        bool is_over() const noexcept { return token_.expired(); }

    private:
        friend class Lifetime;
        explicit Watch(const std::shared_ptr<char>& token) noexcept : token_(token) {}
        std::weak_ptr<char> token_;
    };
    Watch watch() const noexcept { return Watch(token_); }

private:
    std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace stt
