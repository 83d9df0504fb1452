// One function for each file of vectors.
#pragma once

#include <string>

#include "tests/vectors/json_input.hpp"
#include "tests/vectors/tally.hpp"

namespace stt::vectors {

void run_codec(const Json& file, Tally& tally);
void run_stc(const Json& file, Tally& tally);
void run_wire(const Json& file, Tally& tally);
void run_rfc9861(const Json& file, Tally& tally);
void run_websocket(const Json& file, Tally& tally);

// The section "handshake" of wire.json.
void run_handshake(const Entry& entry, Tally& tally);

}  // namespace stt::vectors
