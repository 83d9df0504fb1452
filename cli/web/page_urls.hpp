// Where a browser finds the page.
#pragma once

#include <string>
#include <stt/address.hpp>
#include <vector>

namespace stt::cli {

struct PageUrls {
    std::vector<std::string> all;
    std::string for_others;  // one that other machines can use; empty when there is none
};

// Of a port that listens on `bound`; one of every address is reached by each that this machine has.
PageUrls page_urls(const Address& bound, bool is_secure);

}  // namespace stt::cli
