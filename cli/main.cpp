// The stt command: reads the command line, and explains it.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <memory>
#include <string>

#include "console.hpp"
#include "options.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 seed file, 4 cannot listen or\n"
    "connect, 5 incomplete (run it again: it resumes), 130 interrupted, 143 terminated.\n";

// CLI11 has no way to say that the last of many words is another one.
class SendFormatter : public CLI::Formatter {
public:
    std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: stt send [OPTIONS] PATH... HOST:PORT\n";
    }
};

void add_common(CLI::App& command, CommonOptions& options) {
    command.add_option("--seed", options.seed_file, "The seed file that both sides share")
        ->required()
        ->type_name("FILE");
    command.add_flag("-v,--verbose", options.verbosity, "Log to standard error; -vv logs more");
    command
        .add_option("--qlog", options.qlog_directory,
                    "Write a trace of what the protocol does into this folder")
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory.description(""));
}

void add_timeout(CLI::App& command, CommonOptions& options) {
    command
        .add_option("--timeout", options.timeout_seconds,
                    "Give up when nothing is heard for this time [default: 10 while\n"
                    "connecting, 60 afterwards]")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3600.0).description(""));
}

void add_congestion(CLI::App& command, CommonOptions& options) {
    command
        .add_option("--congestion", options.congestion,
                    "How to share the path: bbr [default], cubic, or background, which\n"
                    "yields to everything else")
        ->type_name("NAME")
        ->check(CLI::IsMember({"bbr", "cubic", "background"}).description(""));
}

void add_padding(CLI::App& command, CommonOptions& options) {
    command
        .add_option("--padding", options.padding,
                    "Hide the sizes of what is sent: none [default], bucket, or constant,\n"
                    "which fills every datagram")
        ->type_name("NAME")
        ->check(CLI::IsMember({"none", "bucket", "constant"}).description(""));
}

void add_seed(CLI::App& app, std::string& file) {
    CLI::App* seed = app.add_subcommand("seed", "Make and show seeds");
    seed->require_subcommand(1);
    seed->footer("Examples:\n  stt seed new my.seed\n  stt seed show my.seed");
    CLI::App* create = seed->add_subcommand("new", "Make a new seed file: 32 random bytes");
    create->add_option("FILE", file, "The file to make; it must not exist")->required();
    create->footer(
        "The file has mode 0600. Whoever has it can send to you and receive from you:\n"
        "carry it over by scp or a USB stick, not by mail.\n\nExample:\n  stt seed new my.seed");
    CLI::App* show = seed->add_subcommand("show", "Print a seed, and a QR code of it");
    show->add_option("FILE", file, "The seed file")->required();
    show->footer("Example:\n  stt seed show my.seed");
}

void add_send(CLI::App& app, SendOptions& options) {
    CLI::App* send = app.add_subcommand("send", "Send files and folders");
    add_common(*send, options.common);
    add_timeout(*send, options.common);
    add_congestion(*send, options.common);
    add_padding(*send, options.common);
    send->add_option("PATH", options.paths,
                     "Files and folders to send; the last word is HOST:PORT, where to send\n"
                     "them (port 9001 if left out)")
        ->required()
        ->type_name("");
    send->formatter(std::make_shared<SendFormatter>());
    send->footer(
        "An interrupted transfer resumes when the same command is run again. Files that are\n"
        "there already are not sent again.\n\nExamples:\n"
        "  stt send --seed my.seed photo.jpg 192.0.2.1:9001\n"
        "  stt send --seed my.seed photos/ notes.txt example.org\n"
        "  stt send --seed my.seed movie.mkv '[2001:db8::1]:9001'\n\n" +
        std::string(exit_codes));
}

void add_receive(CLI::App& app, ReceiveOptions& options) {
    CLI::App* receive = app.add_subcommand("receive", "Receive files into a folder");
    add_common(*receive, options.common);
    receive->add_option("--listen", options.listen, "Where to listen [default: [::]:9001]")
        ->type_name("ADDR:PORT");
    receive->add_flag("--once", options.once, "End after one transfer, with its result");
    receive->add_flag("--overwrite", options.overwrite,
                      "Replace files that are there with other content; without it they are kept");
    receive->add_option("DIR", options.directory, "The folder to receive into")->required();
    receive->footer(
        "Examples:\n  stt receive --seed my.seed inbox\n"
        "  stt receive --seed my.seed --once --listen 0.0.0.0:7000 .\n\n" +
        std::string(exit_codes));
}

void add_pipe(CLI::App& app, PipeOptions& options) {
    CLI::App* pipe = app.add_subcommand("pipe", "Join standard input and output of two machines");
    add_common(*pipe, options.common);
    add_timeout(*pipe, options.common);
    add_congestion(*pipe, options.common);
    add_padding(*pipe, options.common);
    CLI::Option* listen =
        pipe->add_option("--listen", options.listen, "Wait here for the other side")
            ->type_name("ADDR:PORT");
    pipe->add_option("HOST:PORT", options.target, "Where the other side listens")
        ->type_name("")
        ->excludes(listen);
    pipe->footer(
        "Examples:\n  stt pipe --seed my.seed --listen '[::]:9001' > copy.tar\n"
        "  tar c folder | stt pipe --seed my.seed example.org:9001\n\n" +
        std::string(exit_codes));
}

void add_ping(CLI::App& app, PingOptions& options) {
    CLI::App* ping = app.add_subcommand("ping", "Measure the handshake and round trips");
    add_common(*ping, options.common);
    add_timeout(*ping, options.common);
    ping->add_option("-c,--count", options.count, "How many round trips")
        ->check(CLI::Range(1u, 1'000'000u).description(""))
        ->type_name("N")
        ->capture_default_str();
    ping->add_option("-i,--interval", options.interval_seconds, "Time between them")
        ->check(CLI::Range(0.0, 3600.0).description(""))
        ->type_name("SECONDS")
        ->capture_default_str();
    ping->add_option("HOST:PORT", options.target, "stt receive or stt pipe --listen must run there")
        ->required()
        ->type_name("");
    ping->footer("Example:\n  stt ping --seed my.seed -c 10 example.org:9001\n\n" +
                 std::string(exit_codes));
}

struct Options {
    std::string seed_file;
    SendOptions send;
    ReceiveOptions receive;
    PipeOptions pipe;
    PingOptions ping;
};

ExitCode usage_error(Console& console, const std::string& text, const std::string& command) {
    console.error(fmt::format("{}; see: stt {}--help", visible(text), command));
    return ExitCode::usage;
}

ExitCode dispatch(const CLI::App& app, Options& options, Console& console) {
    if (const CLI::App* seed = app.get_subcommand("seed"); seed->parsed()) {
        return seed->get_subcommand("new")->parsed() ? run_seed_new(options.seed_file)
                                                     : run_seed_show(options.seed_file);
    }
    if (app.get_subcommand("receive")->parsed()) return run_receive(options.receive);
    if (app.get_subcommand("ping")->parsed()) return run_ping(options.ping);
    if (app.get_subcommand("pipe")->parsed()) {
        if (options.pipe.target.empty() && options.pipe.listen.empty()) {
            return usage_error(console, "pipe needs HOST:PORT or --listen ADDR:PORT", "pipe ");
        }
        return run_pipe(options.pipe);
    }
    if (options.send.paths.size() < 2) {
        return usage_error(console, "send needs what to send, and where to: PATH... HOST:PORT",
                           "send ");
    }
    options.send.target = std::move(options.send.paths.back());
    options.send.paths.pop_back();
    return run_send(options.send);
}

// "send " when that is the command that was given, for a hint at its help.
std::string parsed_command(const CLI::App& app) {
    std::string names;
    for (const CLI::App* command : app.get_subcommands()) {
        names += command->get_name() + " " + parsed_command(*command);
    }
    return names;
}

ExitCode run(int argument_count, char** arguments) {
    CLI::App app{"Encrypted, resumable transfers between two machines that share a seed.", "stt"};
    app.set_version_flag("--version", "stt " STT_VERSION " (protocol STT/1, cryptography STC/1)");
    app.require_subcommand(1);
    app.footer(
        "Examples:\n  stt seed new my.seed                               on one machine; copy the "
        "file\n  stt receive --seed my.seed inbox                   on the other machine\n"
        "  stt send --seed my.seed photos/ other-machine      back on the first\n\n" +
        std::string(exit_codes));
    Options options;
    add_seed(app, options.seed_file);
    add_send(app, options.send);
    add_receive(app, options.receive);
    add_pipe(app, options.pipe);
    add_ping(app, options.ping);

    Console console;
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::Success& shown) {  // --help and --version
        return app.exit(shown) == 0 ? ExitCode::ok : ExitCode::failed;
    } catch (const CLI::ParseError& error) {
        return usage_error(console, error.what(), parsed_command(app));
    }
    return dispatch(app, options, console);
}

}  // namespace
}  // namespace stt::cli

int main(int argument_count, char** arguments) {
    // A reader that went away is an error of write(), not the end.
    ::signal(SIGPIPE, SIG_IGN);
    try {
        return static_cast<int>(stt::cli::run(argument_count, arguments));
    } catch (const std::exception& error) {
        stt::cli::Console().error(stt::cli::visible(error.what()));
        return static_cast<int>(stt::cli::ExitCode::failed);
    }
}
