// An endpoint that draws what it draws again in every run, and a seed that all of them share.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "core/connection/endpoint.hpp"
#include "testing/seeded_random.hpp"

namespace stt::connection {

inline const std::vector<std::uint8_t> shared_seed(32, 7);

struct SeededEndpoint {
    SeededEndpoint(std::uint64_t random_seed, const EndpointConfig& config)
        : random(random_seed), endpoint(config, random), seed(*endpoint.add_seed(shared_seed)) {}

    testing::SeededRandom random;
    Endpoint endpoint;
    handshake::SeedId seed;
};

}  // namespace stt::connection
