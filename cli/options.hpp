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
};

struct SendOptions {
    CommonOptions common;
    std::vector<std::string> paths;
    std::string target;
};

struct ReceiveOptions {
    CommonOptions common;
    std::string listen;  // empty: every address
    std::string directory;
    bool once = false;
    bool overwrite = false;
};

struct PipeOptions {
    CommonOptions common;
    std::string listen;  // one of the two is empty
    std::string target;
};

struct PingOptions {
    CommonOptions common;
    std::string target;
    unsigned count = 4;
    double interval_seconds = 1;
};

ExitCode run_seed_new(const std::string& path);
ExitCode run_seed_show(const std::string& path);
ExitCode run_send(const SendOptions& options);
ExitCode run_receive(const ReceiveOptions& options);
ExitCode run_pipe(const PipeOptions& options);
ExitCode run_ping(const PingOptions& options);

}  // namespace stt::cli
