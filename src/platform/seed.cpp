#include <platform/entropy.hpp>
#include <stt/seed.hpp>

namespace stt {

Seed random_seed() {
    Secret<32> bytes;
    platform::SystemRandom().fill(bytes.mutable_bytes());
    return Seed(bytes.bytes());
}

}  // namespace stt
