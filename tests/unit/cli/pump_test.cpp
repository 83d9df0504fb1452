// Whole transfers through the pumps, over a socket pair that stands for a stream.
#include "cli/transfer/pump.hpp"

#include <doctest/doctest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>
#include <memory>
#include <optional>

#include "temporary_folder.hpp"

using namespace stt::cli;
using stt::Bytes;
using stt::MutableBytes;

namespace {

using Socket = asio::local::stream_protocol::socket;

class SocketLink final : public ByteLink {
public:
    explicit SocketLink(Socket socket) : socket_(std::move(socket)) {}

    asio::awaitable<stt::Result<std::size_t, std::error_code>> read_some(
        MutableBytes buffer) override {
        const auto [error, count] =
            co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()), as_result);
        if (error) co_return stt::Unexpected(error);
        read_ += count;
        if (read_ >= read_max) abort();
        co_return count;
    }
    asio::awaitable<std::error_code> write_all(Bytes data) override {
        const auto [error, count] =
            co_await asio::async_write(socket_, asio::buffer(data.data(), data.size()), as_result);
        static_cast<void>(count);
        co_return error;
    }
    void finish() override {
        std::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }
    void abort() override {
        std::error_code ignored;
        socket_.close(ignored);
    }

    std::uint64_t read_max = ~std::uint64_t{0};  // the link breaks when so much was read

private:
    Socket socket_;
    std::uint64_t read_ = 0;
};

// One transfer; `read_max` bytes reach the receiver.
struct Transfer {
    Transfer(const std::string& path, const TemporaryFolder& target, PartRegistry& parts,
             std::uint64_t read_max)
        : sender(
              *source_roots({path}), [](SourceTree::Severity, const std::string&) {}, sent),
          receiver(
              target.open(), parts, false, [](const std::string&) {}, received) {
        Socket a(context), b(context);
        asio::local::connect_pair(a, b);
        SocketLink sender_link(std::move(a)), receiver_link(std::move(b));
        receiver_link.read_max = read_max;
        SendPump send_pump(sender_link, sender, sender_worker, context.get_executor());
        ReceivePump receive_pump(receiver_link, receiver, receiver_worker, context.get_executor());
        const auto keep = [](TransferEnd& end) {
            return [&end](const std::exception_ptr& error, TransferEnd result) {
                if (error) std::rethrow_exception(error);
                end = std::move(result);
            };
        };
        asio::co_spawn(context, send_pump.run(), keep(sender_end));
        asio::co_spawn(context, receive_pump.run(), keep(receiver_end));
        context.run();
    }

    asio::io_context context;
    asio::thread_pool sender_worker{1};
    asio::thread_pool receiver_worker{1};
    Counters sent;
    Counters received;
    SendEngine sender;
    ReceiveEngine receiver;
    TransferEnd sender_end;
    TransferEnd receiver_end;
};

}  // namespace

TEST_CASE("transfer §1.2: the pumps carry a folder, and both ends know that it is complete") {
    const TemporaryFolder from, to;
    from.write("d/big", std::string(20'000'000, 'x'));
    for (int i = 0; i < 1500; ++i) from.write("d/" + std::to_string(i), std::to_string(i));
    PartRegistry parts;
    const Transfer transfer(from.at("d"), to, parts, ~std::uint64_t{0});
    CHECK(transfer.sender_end.is_complete);
    CHECK(transfer.receiver_end.is_complete);
    CHECK(transfer.sent.files_done == 1501);
    CHECK(to.read("d/big") == from.read("d/big"));
    CHECK(to.count() == from.count());
}

TEST_CASE("a link that breaks ends both pumps, and the next transfer resumes") {
    const TemporaryFolder from, to;
    from.write("big", std::string(20'000'000, 'x'));
    PartRegistry parts;
    for (const std::uint64_t read_max : {1u, 100u, 5'000'000u, 12'000'000u}) {
        const Transfer broken(from.at("big"), to, parts, read_max);
        CHECK_FALSE(broken.sender_end.is_complete);
        CHECK_FALSE(broken.receiver_end.is_complete);
        CHECK(broken.sender_end.error);
        CHECK(broken.receiver_end.error);
        CHECK_FALSE(to.has("big"));
    }
    const Transfer whole(from.at("big"), to, parts, ~std::uint64_t{0});
    CHECK(whole.sender_end.is_complete);
    CHECK(whole.sent.bytes_content < 10'000'000);
    CHECK(to.read("big") == from.read("big"));
}
