#include <algorithm>
#include <stt/value.hpp>

#include "codec/writer.hpp"
#include "core/session/keys.hpp"
#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "stc/cke.hpp"
#include "stc/dsf.hpp"
#include "stc/pcf.hpp"
#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

using session::Role;

Role role_of(const std::string& name) {
    if (name != "initiator" && name != "responder") throw std::invalid_argument("not a role");
    return name == "initiator" ? Role::initiator : Role::responder;
}

// The direction that an entry names, as its sender and its receiver hold it.
struct Direction {
    explicit Direction(const Entry& entry)
        : send(stc::DerivationKey(entry.fixed<32>("session_key")), role_of(entry.text("from")),
               entry.fixed<8>("session_id")),
          receive(stc::DerivationKey(entry.fixed<32>("session_key")), role_of(entry.text("from")),
                  entry.fixed<8>("session_id")) {}

    void rotate(const std::string& nonce_hex) {
        send.prepare(Entry::exactly<32>(bytes_of_hex(nonce_hex)));
        if (!receive.announce(send.pending())) throw std::logic_error("announcement refused");
        send.commit();
        if (!receive.frame_opened(send.epoch())) throw std::logic_error("not the next epoch");
    }

    session::SendKeys send;
    session::ReceiveKeys receive;
};

// PADDING has any bytes, and a message that was read knows only how many: the ones that were
// sent are put in their place.
void keep_padding(const wire::ControlMessage& message, codec::Writer& writer, Bytes plaintext) {
    const auto* padding = std::get_if<wire::Padding>(&message);
    if (padding == nullptr || writer.size() > plaintext.size()) return;
    const Bytes sent = plaintext.first(writer.size()).last(padding->size);
    std::copy(sent.begin(), sent.end(), writer.mutable_written().last(padding->size).begin());
}
void keep_padding(const wire::StreamControlMessage&, codec::Writer&, Bytes) {}

template <class Messages, class Write>
void check_messages(Result<Messages, wire::Violation> messages, Bytes plaintext,
                    const Write& write_head, Tally& tally) {
    if (!messages) return tally.check(false, "payload refused");
    ByteVector written(plaintext.size());
    codec::Writer writer(written);
    write_head(writer, *messages);
    while (const auto message = messages->next()) {
        if (wire::encoded_size(*message) > writer.room()) {
            return tally.check(false, "payload written longer");
        }
        wire::write(writer, *message);
        keep_padding(*message, writer, plaintext);
    }
    tally.check(is_equal(writer.written(), plaintext), "payload written differently");
}

void check_data(Bytes plaintext, std::uint8_t flags, Tally& tally) {
    // Some entries fold the prefix of a DATA and no bytes: good as frames, and error 1 as DATA.
    // Spec protocol §7.3.
    const auto data = wire::parse_data(plaintext, flags | wire::flag::stream_end);
    if (!data) return tally.check(false, "DATA refused");
    const bool is_empty = data->bytes.empty() && (flags & wire::flag::stream_end) == 0;
    tally.check(wire::parse_data(plaintext, flags).has_value() != is_empty,
                "an empty DATA needs STREAM_END, and no other does");
    ByteVector written(plaintext.size());
    codec::Writer writer(written);
    const bool is_message = (flags & wire::flag::message) != 0;
    const auto back = is_message ? std::optional(data->back) : std::nullopt;
    wire::write_data_prefix(writer, data->use, data->offset, back);
    tally.check(writer.size() == wire::data_prefix_size(data->use, data->offset, back),
                "data_prefix_size");
    writer.bytes(data->bytes);
    tally.check(is_equal(written, plaintext), "DATA written differently");
}

// What the plaintext of a frame says, read and written again.
void check_plaintext(std::uint8_t type, std::uint8_t flags, Bytes plaintext, Tally& tally) {
    if ((flags & wire::flag::padded) != 0) {
        const auto unpadded = wire::without_padding(plaintext);
        if (!unpadded) return tally.check(false, "padding refused");
        ByteVector padded(plaintext.size(), 0xff);
        std::copy(unpadded->begin(), unpadded->end(), padded.begin());
        wire::write_padding(padded, unpadded->size());
        tally.check(is_equal(padded, plaintext), "padding written differently");
        plaintext = *unpadded;
    }
    switch (static_cast<wire::FrameType>(type)) {
        case wire::FrameType::data:
            return check_data(plaintext, flags, tally);
        case wire::FrameType::control:
            return check_messages(
                wire::ControlMessages::parse(plaintext), plaintext,
                [](codec::Writer&, const auto&) {}, tally);
        case wire::FrameType::stream_control:
            return check_messages(
                wire::StreamControlMessages::parse(plaintext), plaintext,
                [](codec::Writer& writer, const auto& messages) { writer.varint(messages.use()); },
                tally);
        default:
            return;
    }
}

wire::SessionFrameHeader header_of(const Entry& entry) {
    return {.type = static_cast<wire::FrameType>(entry.number("type")),
            .session_id = entry.fixed<8>("session_id"),
            .stream_id = static_cast<std::uint16_t>(entry.number("stream")),
            .sequence = entry.number("sequence"),
            .flags = static_cast<std::uint8_t>(entry.number("flags")),
            .epoch = entry.number("epoch")};
}

ByteVector sealed(const wire::SessionFrameHeader& header, const stc::FoldKey& key,
                  const ByteVector& plaintext) {
    ByteVector bytes(wire::session_frame_overhead(header, plaintext.size()) + plaintext.size());
    const wire::FrameLayout layout = wire::lay_out_session_frame(header, plaintext.size(), bytes);
    std::copy(plaintext.begin(), plaintext.end(), layout.payload.begin());
    stc::fold({&key, {layout.header, layout.metadata_head}, layout.payload, layout.tag});
    return bytes;
}

// Opens in place, as a receiver does. Empty when it does not parse or open.
struct Opened {
    bool is_parsed = false;
    bool is_opened = false;
    wire::FrameView view;
};

Opened opened(ByteVector& frame, session::ReceiveKeys& keys) {
    Opened result;
    const auto view = wire::parse_frame(frame);
    result.is_parsed = view && view->size == frame.size();
    if (!result.is_parsed) return result;
    result.view = *view;
    auto key = keys.opening_key(view->epoch, view->stream_id);
    if (!key) return result;
    stc::UnfoldJob job{
        key->get(), {view->header, view->metadata_head}, view->payload, view->tag, false};
    result.is_opened = stc::unfold(job);
    if (result.is_opened) keys.confirm(view->epoch, view->stream_id, *std::move(key));
    return result;
}

// protocol §3.6 (a)(d), stc Stream contexts (a)(b): a session's frames are these bytes.
void run_frame(const Entry& entry, Tally& tally) {
    Direction direction(entry);
    const wire::SessionFrameHeader header = header_of(entry);
    const Json& nonces = entry.at("rotation_nonces");
    tally.check(nonces.size() >= header.epoch, "a nonce for each epoch");
    for (std::size_t i = 0; i < header.epoch; ++i) {
        direction.rotate(nonces.at(i).get<std::string>());
    }
    const ByteVector plaintext = entry.bytes("plaintext");
    const ByteVector frame = entry.bytes("frame");
    tally.check(sealed(header, direction.send.key_of(header.stream_id), plaintext) == frame,
                "built differently");

    // Twice: with a key that is derived for it, and with the one that then is in the cache.
    for (int i = 0; i < 2; ++i) {
        ByteVector received = frame;
        const Opened read = opened(received, direction.receive);
        tally.check(read.is_parsed, "refused");
        tally.check(read.is_opened && is_equal(read.view.payload, plaintext), "does not open");
        if (!read.is_parsed) return;
        tally.check(read.view.type == header.type && read.view.session_id == header.session_id &&
                        read.view.stream_id == header.stream_id &&
                        read.view.sequence == header.sequence && read.view.flags == header.flags &&
                        read.view.epoch == header.epoch &&
                        read.view.kind == wire::MetadataKind::session,
                    "read differently");
    }
    check_plaintext(static_cast<std::uint8_t>(header.type), header.flags, plaintext, tally);
}

void run_rotation(const Entry& entry, Tally& tally) {
    stc::Key direction_key = [&] {
        const Value context(
            Value::Dict{{"purpose", Value("direction")}, {"from", Value(entry.text("from"))}});
        return stc::DerivationKey(stc::DerivationKey(entry.fixed<32>("session_key")))
            .derive_key(encode(context));
    }();
    Direction direction(entry);
    const Json& nonces = entry.at("nonces");
    const Json& direction_keys = entry.at("direction_key");
    const Json& stream_keys = entry.at("stream_key");
    std::size_t compared = 0;
    for (std::size_t epoch = 0; epoch <= nonces.size(); ++epoch) {
        if (epoch > 0) {
            const auto nonce_hex = nonces.at(epoch - 1).get<std::string>();
            direction.rotate(nonce_hex);
            direction_key =
                stc::rotate(direction_key, Entry::exactly<32>(bytes_of_hex(nonce_hex)), epoch);
        }
        if (const auto expected = direction_keys.find(std::to_string(epoch));
            expected != direction_keys.end()) {
            ++compared;
            tally.check(is_equal(direction_key.bytes(), bytes_of_hex(expected->get<std::string>())),
                        "direction key of epoch " + std::to_string(epoch));
        }
        for (const Json& stream_key : stream_keys) {
            const Entry expected(stream_key);
            if (expected.number("epoch") != epoch) continue;
            ++compared;
            const auto stream = static_cast<std::uint16_t>(expected.number("stream"));
            const stc::FoldKey key{stc::Key(expected.fixed<32>("key"))};
            const auto received = direction.receive.opening_key(epoch, stream);
            tally.check(is_equal(direction.send.key_of(stream).state(), key.state()),
                        "stream key of the sender");
            tally.check(received && is_equal(received->get()->state(), key.state()),
                        "stream key of the receiver");
            expected.check_all_read(tally);
        }
    }
    tally.check(compared == direction_keys.size() + stream_keys.size(), "an epoch without nonce");
}

void run_datagram(const Entry& entry, Tally& tally) {
    ByteVector datagram = entry.bytes("datagram");
    MutableBytes rest(datagram);
    for (const Json& expected : entry.at("frames")) {
        const auto frame = wire::parse_frame(rest);
        if (!frame) return tally.check(false, "a frame was refused");
        tally.check(is_equal(rest.first(frame->size), bytes_of_hex(expected.get<std::string>())),
                    "cut differently");
        rest = rest.subspan(frame->size);
    }
    tally.check(rest.empty(), "more frames than expected");
}

void run_refused(const Json& entry, Tally& tally) {
    ByteVector bytes = bytes_of_hex(entry.get<std::string>());
    const ByteVector before = bytes;
    tally.check(!wire::parse_frame(bytes), "taken");
    tally.check(bytes == before, "changed");
}

void run_unopenable(const Entry& entry, Tally& tally) {
    Direction direction(entry);
    ByteVector frame = entry.bytes("frame");
    const Opened read = opened(frame, direction.receive);
    tally.check(read.is_parsed, "does not parse");
    tally.check(!read.is_opened, "opens");
}

}  // namespace

void run_wire(const Json& file, Tally& tally) {
    run_sections("wire.json", file,
                 {{"handshake", on_object(run_handshake)},
                  {"rotation", on_object(run_rotation)},
                  {"frame", on_object(run_frame)},
                  {"datagram", on_object(run_datagram)},
                  {"refused", run_refused},
                  {"unopenable", on_object(run_unopenable)}},
                 tally);
}

}  // namespace stt::vectors
