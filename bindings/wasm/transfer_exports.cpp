// Flat functions for transfers of files. A transfer has a buffer for what JavaScript hands over,
// and tells numbers and a text with what it wants next.
#include <algorithm>
#include <array>
#include <memory>

#include "export.hpp"
#include "transfer_receiver.hpp"
#include "transfer_sender.hpp"

namespace stt::wasm {
namespace {

// The most that JavaScript hands over at once: a piece of a file, a path or a reason.
constexpr std::size_t input_size_max = TransferSender::piece_size_max;

cli::Timestamp timestamp_of(double milliseconds) noexcept {
    // Both ends of what is a time in JavaScript.
    const double limited = std::clamp(milliseconds, -8.64e15, 8.64e15);
    const auto whole = static_cast<std::int64_t>(limited);
    std::int64_t seconds = whole / 1'000;
    std::int64_t rest = whole % 1'000;
    if (rest < 0) {
        --seconds;
        rest += 1'000;
    }
    return {seconds, static_cast<std::uint32_t>(rest) * 1'000'000};
}

double milliseconds_of(const cli::Timestamp& time) noexcept {
    return static_cast<double>(time.seconds) * 1'000 + time.nanoseconds / 1'000'000;
}

}  // namespace

// What both directions share with JavaScript.
template <class Machine>
struct Transfer {
    Machine machine;
    std::vector<std::uint8_t> input = std::vector<std::uint8_t>(input_size_max);
    // Of a receiver, whose input is borrowed for long: what comes meanwhile.
    std::vector<std::uint8_t> extra;
    std::array<double, 8> numbers{};
    std::string text;
    std::string second_text;

    Bytes bytes(std::size_t size) const noexcept {
        return Bytes(input).first(std::min(size, input.size()));
    }
    std::string_view said(std::size_t size) const noexcept { return text_of(bytes(size)); }
};

}  // namespace stt::wasm

using namespace stt::wasm;
using Sending = Transfer<TransferSender>;
using Receiving = Transfer<TransferReceiver>;

STT_EXPORT(stt_transfer_input_size) std::size_t stt_transfer_input_size() {
    return input_size_max;
}

// ---- sending

STT_EXPORT(stt_sending_new) Sending* stt_sending_new() {
    return std::make_unique<Sending>().release();
}
STT_EXPORT(stt_sending_delete) void stt_sending_delete(Sending* sending) {
    const std::unique_ptr<Sending> owned(sending);
}
STT_EXPORT(stt_sending_input) std::uint8_t* stt_sending_input(Sending* sending) {
    return sending->input.data();
}
STT_EXPORT(stt_sending_numbers) const double* stt_sending_numbers(Sending* sending) {
    return sending->numbers.data();
}
STT_EXPORT(stt_sending_text) const char* stt_sending_text(Sending* sending) {
    return sending->text.data();
}
STT_EXPORT(stt_sending_text_size) std::size_t stt_sending_text_size(Sending* sending) {
    return sending->text.size();
}
// A file whose path is the input. 1: taken; 0: a receiver would refuse it, as the text says.
STT_EXPORT(stt_sending_add)
int stt_sending_add(Sending* sending, std::size_t path_size, double size, double modified_ms) {
    const auto fault = sending->machine.add(std::string(sending->said(path_size)), integer(size),
                                            timestamp_of(modified_ms));
    sending->text = fault.value_or(std::string_view());
    return fault ? 0 : 1;
}
STT_EXPORT(stt_sending_start) void stt_sending_start(Sending* sending, double now_ms) {
    sending->machine.start(timestamp_of(now_ms));
}
STT_EXPORT(stt_sending_receive) void stt_sending_receive(Sending* sending, std::size_t size) {
    sending->machine.receive(sending->bytes(size));
}
STT_EXPORT(stt_sending_end) int stt_sending_end(Sending* sending) {
    return sending->machine.end() ? 1 : 0;
}
// Numbers: source, offset and size of what is wanted. Text: why it failed.
STT_EXPORT(stt_sending_next) int stt_sending_next(Sending* sending) {
    const TransferSender::Next next = sending->machine.next();
    const TransferSender::Wanted& wanted = sending->machine.wanted();
    sending->numbers = {number(wanted.source), number(wanted.offset), number(wanted.size)};
    sending->text = sending->machine.failure();
    return static_cast<int>(next);
}
STT_EXPORT(stt_sending_output) const std::uint8_t* stt_sending_output(Sending* sending) {
    return sending->machine.output().data();
}
STT_EXPORT(stt_sending_output_size) std::size_t stt_sending_output_size(Sending* sending) {
    return sending->machine.output().size();
}
STT_EXPORT(stt_sending_take_output) void stt_sending_take_output(Sending* sending) {
    sending->machine.take_output();
}
STT_EXPORT(stt_sending_give) void stt_sending_give(Sending* sending, std::size_t size) {
    sending->machine.give(sending->bytes(size));
}
STT_EXPORT(stt_sending_give_up) void stt_sending_give_up(Sending* sending, std::size_t size) {
    sending->machine.give_up(sending->said(size));
}
// Numbers: files, bytes, files done, files failed, bytes done.
STT_EXPORT(stt_sending_totals) void stt_sending_totals(Sending* sending) {
    const TransferSender::Totals& totals = sending->machine.totals();
    sending->numbers = {number(totals.files), number(totals.bytes), number(totals.files_done),
                        number(totals.files_failed), number(totals.bytes_done)};
}
// 1: the first number is a file that was not sent, the text why. 0: there are no more.
STT_EXPORT(stt_sending_failure) int stt_sending_failure(Sending* sending) {
    const auto failure = sending->machine.take_failure();
    if (!failure) return 0;
    sending->numbers = {number(failure->source)};
    sending->text = failure->reason;
    return 1;
}

// ---- receiving

STT_EXPORT(stt_receiving_new) Receiving* stt_receiving_new() {
    return std::make_unique<Receiving>().release();
}
STT_EXPORT(stt_receiving_delete) void stt_receiving_delete(Receiving* receiving) {
    const std::unique_ptr<Receiving> owned(receiving);
}
STT_EXPORT(stt_receiving_input) std::uint8_t* stt_receiving_input(Receiving* receiving) {
    return receiving->input.data();
}
STT_EXPORT(stt_receiving_numbers) const double* stt_receiving_numbers(Receiving* receiving) {
    return receiving->numbers.data();
}
STT_EXPORT(stt_receiving_text) const char* stt_receiving_text(Receiving* receiving) {
    return receiving->text.data();
}
STT_EXPORT(stt_receiving_text_size) std::size_t stt_receiving_text_size(Receiving* receiving) {
    return receiving->text.size();
}
STT_EXPORT(stt_receiving_second_text)
const char* stt_receiving_second_text(Receiving* receiving) {
    return receiving->second_text.data();
}
STT_EXPORT(stt_receiving_second_text_size)
std::size_t stt_receiving_second_text_size(Receiving* receiving) {
    return receiving->second_text.size();
}
// Only where next() said wait; the input may not change until it says so again.
STT_EXPORT(stt_receiving_push) void stt_receiving_push(Receiving* receiving, std::size_t size) {
    receiving->machine.push(receiving->bytes(size));
}
STT_EXPORT(stt_receiving_end) void stt_receiving_end(Receiving* receiving) {
    receiving->machine.end();
}
// Numbers: item, size, offset, 1 if it comes again, time of change. Text: path, or why it failed;
// second text: the name of the part of an offer, or why something is discarded.
STT_EXPORT(stt_receiving_next) int stt_receiving_next(Receiving* receiving) {
    const TransferReceiver::Next next = receiving->machine.next();
    const TransferReceiver::Subject& subject = receiving->machine.subject();
    const bool has_failed = next == TransferReceiver::Next::failed;
    receiving->numbers = {number(subject.item), number(subject.size), number(subject.offset),
                          subject.is_again ? 1.0 : 0.0, milliseconds_of(subject.modified)};
    receiving->text = has_failed ? receiving->machine.failure() : subject.path;
    receiving->second_text =
        next == TransferReceiver::Next::discard ? subject.reason : subject.part;
    return static_cast<int>(next);
}
STT_EXPORT(stt_receiving_output) const std::uint8_t* stt_receiving_output(Receiving* receiving) {
    return receiving->machine.output().data();
}
STT_EXPORT(stt_receiving_output_size) std::size_t stt_receiving_output_size(Receiving* receiving) {
    return receiving->machine.output().size();
}
STT_EXPORT(stt_receiving_take_output) void stt_receiving_take_output(Receiving* receiving) {
    receiving->machine.take_output();
}
STT_EXPORT(stt_receiving_piece) const std::uint8_t* stt_receiving_piece(Receiving* receiving) {
    return receiving->machine.piece().data();
}
STT_EXPORT(stt_receiving_piece_size) std::size_t stt_receiving_piece_size(Receiving* receiving) {
    return receiving->machine.piece().size();
}
STT_EXPORT(stt_receiving_accept)
void stt_receiving_accept(Receiving* receiving, double item, double offset) {
    receiving->machine.accept(integer(item), integer(offset));
}
STT_EXPORT(stt_receiving_compare) void stt_receiving_compare(Receiving* receiving, double item) {
    receiving->machine.compare(integer(item));
}
STT_EXPORT(stt_receiving_compared) void stt_receiving_compared(Receiving* receiving, double item) {
    receiving->machine.compared(integer(item));
}
// Room for `size` bytes, beside the input, of the next three: content, or a reason.
STT_EXPORT(stt_receiving_extra)
std::uint8_t* stt_receiving_extra(Receiving* receiving, std::size_t size) {
    receiving->extra.resize(std::min(size, input_size_max));
    return receiving->extra.data();
}
STT_EXPORT(stt_receiving_known) void stt_receiving_known(Receiving* receiving) {
    receiving->machine.known(receiving->extra);
}
STT_EXPORT(stt_receiving_refuse) void stt_receiving_refuse(Receiving* receiving, double item) {
    receiving->machine.refuse(integer(item), stt::text_of(receiving->extra));
}
STT_EXPORT(stt_receiving_give_up) void stt_receiving_give_up(Receiving* receiving) {
    receiving->machine.give_up(stt::text_of(receiving->extra));
}
STT_EXPORT(stt_receiving_stored) void stt_receiving_stored(Receiving* receiving, double item) {
    receiving->machine.stored(integer(item));
}
// Numbers: files, bytes, files done, files failed, bytes done.
STT_EXPORT(stt_receiving_totals) void stt_receiving_totals(Receiving* receiving) {
    const TransferReceiver::Totals& totals = receiving->machine.totals();
    receiving->numbers = {number(totals.files), number(totals.bytes), number(totals.files_done),
                          number(totals.files_failed), number(totals.bytes_done)};
}
