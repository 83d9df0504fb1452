// What the command line says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace stt::cli {

struct CommonOptions {
    std::string seed_file;
    int verbosity = 0;                        // number of -v
    std::string congestion;                   // a name of main.cpp's; empty: the default
    std::string padding;                      // a name of main.cpp's; empty: none
    std::string qlog_directory;               // empty: no trace
    std::optional<double> timeout_seconds{};  // of silence; the defaults are network.cpp's
    std::string authorities_file;             // PEM; empty: the system's
    bool is_insecure = false;                 // any certificate will do
};

// Where the other side is.
struct TargetOptions {
    std::string target;
    std::string websocket;  // beside UDP: a URL, "off", or empty: port 8080 of the same host
};

// Where a command waits for others.
struct ListenOptions {
    std::string udp;        // ADDR:PORT, "off", or empty: port 9001
    std::string websocket;  // ADDR:PORT, "off", or empty: port 8080
    std::string certificate_file;
    std::string key_file;
    std::vector<std::string> origins;
};

// One of the two, as the command line says.
struct MeetOptions {
    bool waits = false;
    ListenOptions listen;
    TargetOptions target;
};

struct SendOptions {
    CommonOptions common;
    std::vector<std::string> paths;
    MeetOptions meet;
};

struct ReceiveOptions {
    CommonOptions common;
    MeetOptions meet;
    std::string directory;
    bool once = false;
    bool overwrite = false;
    bool takes_shared = false;  // what stt web shares, of the target
};

struct PipeOptions {
    CommonOptions common;
    MeetOptions meet;
};

struct WebOptions {
    CommonOptions common;
    ListenOptions listen;
    std::vector<std::string> shared;  // files and folders
    std::string assets_directory;     // empty: those built in
    std::string directory;
    bool overwrite = false;
    bool shows_seed = false;
};

struct BridgeOptions {
    CommonOptions common;  // without a seed
    std::string target;    // of the one transport; clients come by the other
    ListenOptions listen;  // its `websocket` is the address for either
    std::size_t client_count_max = 1'024;
    std::size_t client_count_max_of_source = 64;
    unsigned report_seconds = 0;  // 0: only at the end
};

struct PingOptions {
    CommonOptions common;
    TargetOptions target;
    unsigned count = 4;
    double interval_seconds = 1;
};

ExitCode run_seed_new(const std::string& path);
ExitCode run_seed_show(const std::string& path);
ExitCode run_send(const SendOptions& options);
ExitCode run_receive(const ReceiveOptions& options);
ExitCode run_pipe(const PipeOptions& options);
ExitCode run_ping(const PingOptions& options);
ExitCode run_web(const WebOptions& options);
ExitCode run_bridge(const BridgeOptions& options);

}  // namespace stt::cli
