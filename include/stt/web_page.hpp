// What a node's WebSocket port answers to ordinary requests of browsers.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace stt {

// A GET or HEAD.
struct HttpRequest {
    std::string path;   // as it was sent, up to '?': not decoded
    std::string query;  // behind '?', or empty
    std::string host;   // of the field Host
};

struct HttpResponse {
    unsigned status = 404;
    // Names and values, without control characters; Content-Length and Connection are added.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

using PageHandler = std::function<HttpResponse(const HttpRequest&)>;

}  // namespace stt
