// Writes what happens as a qlog that common viewers open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <stt/time.hpp>

#include "core/trace/event.hpp"
#include "core/trace/json_record.hpp"

namespace stt::trace {

struct QlogOptions {
    // What a viewer calls this side: the initiator is QUIC's client.
    enum class VantagePoint : std::uint8_t { unknown, client, server };
    VantagePoint vantage_point = VantagePoint::unknown;
    std::string_view title = "STT";  // borrowed until the constructor returns; cut at 64 bytes
    // One moment in both clocks: times in the file count from it. Unix milliseconds.
    Instant reference{};
    std::int64_t reference_unix_ms = 0;
    // Several sessions in one file: each event names its own, and viewers show them apart.
    bool has_groups = false;
    // What is left out unless asked for: who the peer is, by address and node id; and the
    // application's texts, endpoint names and reasons of closing. Keys, nonces, tokens and the
    // content of streams are never written.
    bool has_peers = false;
    bool has_texts = false;
};

// JSON text sequences (RFC 7464) in the shape of qlog 0.3, draft-ietf-quic-qlog-main-schema-02:
// why this one stands in docs/design/decisions. Holds one record, and never grows.
class QlogWriter final : public Sink {
public:
    // Called with each record, its separators included, at most json_record_size_max + 2 bytes.
    using Output = std::function<void(std::string_view)>;

    // Writes the header at once.
    QlogWriter(const QlogOptions& options, Output output);

    void on_event(const Record& record) override;
    std::uint64_t records_written() const noexcept { return record_count_; }

private:
    void write_header(std::string_view title);
    void flush();

    QlogOptions options_;
    Output output_;
    JsonRecord json_;
    std::uint64_t record_count_ = 0;
};

}  // namespace stt::trace
