#include <stt/fan_out.hpp>
#include <utility>

#include "node/fan_out_backend.hpp"

namespace stt {

FanOutHandle::FanOutHandle(executor_type executor, const FanOutOptions& options,
                           FanOutContent content)
    : backend_(std::make_shared<detail::FanOutBackend>(std::move(executor), options, content)) {}

FanOutHandle::~FanOutHandle() = default;
FanOutHandle::FanOutHandle(FanOutHandle&&) noexcept = default;
FanOutHandle& FanOutHandle::operator=(FanOutHandle&&) noexcept = default;

FanOutHandle::executor_type FanOutHandle::get_executor() const {
    return backend_->executor();
}

ReceiverId FanOutHandle::add_stream(StreamHandle&& stream) {
    STT_CHECK(stream.is_open());
    // There is no other kind of backend.
    auto* backend = static_cast<node::StreamBackend*>(stream.backend_.release());
    return backend_->add(std::unique_ptr<node::StreamBackend>(backend));
}

void FanOutHandle::remove(ReceiverId receiver) {
    backend_->remove(receiver);
}

void FanOutHandle::finish() {
    backend_->finish();
}

std::size_t FanOutHandle::receiver_count() const noexcept {
    return backend_->engine().receiver_count();
}

std::optional<ReceiverStatistics> FanOutHandle::statistics(ReceiverId receiver) const {
    return backend_->engine().statistics(receiver);
}

FanOutHandle::executor_type FanOutHandle::executor_of(const detail::FanOutBackend& backend) {
    return backend.executor();
}

void FanOutHandle::write(detail::FanOutBackend& backend, Bytes data,
                         std::optional<std::span<const ReceiverId>> receivers,
                         Completion<std::size_t> completion) {
    backend.write(data, receivers, std::move(completion));
}

void FanOutHandle::cancel(detail::FanOutBackend& backend) {
    backend.cancel_write();
}

}  // namespace stt
