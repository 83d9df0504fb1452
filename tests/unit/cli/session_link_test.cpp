// A transfer's stream in a session.
#include "cli/session_link.hpp"

#include <stt/failure.hpp>

#include "tests/unit/node/loopback.hpp"

namespace stt::cli {
namespace {

using namespace node_test;

TEST_CASE("transfer §7.2: giving a transfer up ends its stream alone, in a session that goes on") {
    Loopback nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.open();
        SessionLink link(nodes.here, std::move(nodes.near), false);
        link.abort();
        char byte = 0;
        const auto [error, count] =
            co_await nodes.far.async_read_some(asio::buffer(&byte, 1), as_tuple);
        CHECK(error == Failure::stream_reset);
        CHECK(nodes.far.reset_code() == close_given_up);
        CHECK(count == 0);
        std::vector<std::uint8_t> buffer(1);
        CHECK((co_await link.read_some(buffer)).error() == asio::error::operation_aborted);
        CHECK(co_await link.write_all(buffer) == asio::error::operation_aborted);
        CHECK((co_await nodes.here.ping()).has_value());
    };
    nodes.run(work());
}

TEST_CASE("giving up wakes who reads") {
    Loopback nodes;
    auto work = [&]() -> asio::awaitable<void> {
        co_await nodes.open();
        SessionLink link(nodes.here, std::move(nodes.near), false);
        asio::steady_timer timer(nodes.context, std::chrono::milliseconds(20));
        timer.async_wait([&](std::error_code) { link.abort(); });
        std::vector<std::uint8_t> buffer(1);
        CHECK_FALSE((co_await link.read_some(buffer)).has_value());
        CHECK_FALSE(*link.hearing());
    };
    nodes.run(work());
}

}  // namespace
}  // namespace stt::cli
