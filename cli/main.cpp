// The stt command: reads the command line, and explains it.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <memory>
#include <string>
#include <vector>

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
        return "Usage: stt send [OPTIONS] PATH... HOST:PORT\n"
               "       stt send [OPTIONS] --listen ADDR:PORT PATH...\n";
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

// Both for who connects.
std::vector<CLI::Option*> add_trust(CLI::App& command, CommonOptions& options) {
    CLI::Option* authorities =
        command
            .add_option("--authorities", options.authorities_file,
                        "Whose certificates to trust on wss:// [default: the system's]")
            ->type_name("FILE")
            ->check(CLI::ExistingFile.description(""));
    CLI::Option* insecure =
        command
            .add_flag("--insecure", options.is_insecure,
                      "Take any certificate; the seed authenticates all the same")
            ->excludes(authorities);
    return {authorities, insecure};
}

// For who listens.
std::vector<CLI::Option*> add_tls(CLI::App& command, ListenOptions& options) {
    return {command
                .add_option("--certificate", options.certificate_file,
                            "Serve WebSockets with TLS: wss://")
                ->type_name("FILE"),
            command.add_option("--key", options.key_file, "The key of the certificate")
                ->type_name("FILE"),
            command
                .add_option("--origin", options.origins,
                            "Let pages of this origin connect, such as https://example.org,\n"
                            "or * for all; may be given several times")
                ->type_name("ORIGIN")
                ->allow_extra_args(false)};
}

CLI::Option* add_listen(CLI::App& command, MeetOptions& options, const char* help) {
    return command.add_option("--listen", options.listen.udp, help)->type_name("ADDR:PORT|off");
}

// What a command needs that can do both, connect and listen.
CLI::Option* add_meeting(CLI::App& command, CommonOptions& common, MeetOptions& options,
                         std::string& websocket, const char* help_of_listen) {
    CLI::Option* listen = add_listen(command, options, help_of_listen);
    command
        .add_option("--websocket", websocket,
                    "The WebSocket beside UDP, or off. To connect: for when UDP fails\n"
                    "[default: ws:// and port 8080 of the same host]. With --listen: where\n"
                    "to listen [default: port 8080 of the same address]")
        ->type_name("URL|ADDR:PORT|off");
    for (CLI::Option* option : add_trust(command, common)) option->excludes(listen);
    for (CLI::Option* option : add_tls(command, options.listen)) option->needs(listen);
    return listen;
}

// `--websocket` says where to listen, or where else to go: as the command does.
void settle(MeetOptions& options, std::string websocket) {
    if (options.waits) {
        options.listen.websocket = std::move(websocket);
    } else {
        options.target.websocket = std::move(websocket);
    }
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

void add_send(CLI::App& app, SendOptions& options, std::string& websocket) {
    CLI::App* send = app.add_subcommand("send", "Send files and folders");
    add_common(*send, options.common);
    add_timeout(*send, options.common);
    add_congestion(*send, options.common);
    add_padding(*send, options.common);
    add_meeting(*send, options.common, options.meet, websocket,
                "Wait here, and send to the first that takes the files, by stt receive\n"
                "--from or in a page");
    send->add_option("PATH", options.paths,
                     "Files and folders to send; without --listen, the last word is where to\n"
                     "send them: HOST:PORT (9001 if left out), ws://HOST:PORT or\n"
                     "wss://HOST:PORT (8080 if left out)")
        ->required()
        ->type_name("");
    send->formatter(std::make_shared<SendFormatter>());
    send->footer(
        "An interrupted transfer resumes when the same command is run again. Files that are\n"
        "there already are not sent again.\n\nExamples:\n"
        "  stt send --seed my.seed photo.jpg 192.0.2.1:9001\n"
        "  stt send --seed my.seed photos/ notes.txt example.org\n"
        "  stt send --seed my.seed movie.mkv '[2001:db8::1]:9001'\n"
        "  stt send --seed my.seed movie.mkv wss://example.org\n"
        "  stt send --seed my.seed --listen '[::]:9001' photos/\n\n" +
        std::string(exit_codes));
}

void add_receive(CLI::App& app, ReceiveOptions& options, std::string& websocket) {
    CLI::App* receive = app.add_subcommand("receive", "Receive files into a folder");
    add_common(*receive, options.common);
    add_timeout(*receive, options.common);
    CLI::Option* listen =
        add_listen(*receive, options.meet, "Where to listen by UDP [default: [::]:9001]");
    receive
        ->add_option("--websocket", websocket,
                     "Where to listen for WebSockets [default: port 8080 of the same\n"
                     "address], or off. With --from: the WebSocket for when UDP fails\n"
                     "[default: ws:// and port 8080 of the same host]")
        ->type_name("ADDR:PORT|URL|off");
    CLI::Option* from =
        receive
            ->add_option("--from", options.meet.target.target,
                         "Do not wait: connect to stt send --listen, take what it sends, and\n"
                         "end with its result")
            ->type_name("HOST:PORT")
            ->excludes(listen);
    receive
        ->add_flag("--shared", options.takes_shared, "With --from: take what stt web shares there")
        ->needs(from);
    for (CLI::Option* option : add_tls(*receive, options.meet.listen)) option->excludes(from);
    for (CLI::Option* option : add_trust(*receive, options.common)) option->needs(from);
    receive->add_flag("--once", options.once, "End after one transfer, with its result")
        ->excludes(from);
    receive->add_flag("--overwrite", options.overwrite,
                      "Replace files that are there with other content; without it they are kept");
    receive->add_option("DIR", options.directory, "The folder to receive into")->required();
    receive->footer(
        "Examples:\n  stt receive --seed my.seed inbox\n"
        "  stt receive --seed my.seed --once --listen 0.0.0.0:7000 .\n"
        "  stt receive --seed my.seed --from example.org inbox\n\n" +
        std::string(exit_codes));
}

void add_pipe(CLI::App& app, PipeOptions& options, std::string& websocket) {
    CLI::App* pipe = app.add_subcommand("pipe", "Join standard input and output of two machines");
    add_common(*pipe, options.common);
    add_timeout(*pipe, options.common);
    add_congestion(*pipe, options.common);
    add_padding(*pipe, options.common);
    CLI::Option* listen =
        add_meeting(*pipe, options.common, options.meet, websocket, "Wait here for the other side");
    pipe->add_option("HOST:PORT", options.meet.target.target,
                     "Where the other side listens; or ws://HOST:PORT, wss://HOST:PORT")
        ->type_name("")
        ->excludes(listen);
    pipe->footer(
        "Examples:\n  stt pipe --seed my.seed --listen '[::]:9001' > copy.tar\n"
        "  tar c folder | stt pipe --seed my.seed example.org:9001\n"
        "  tar c folder | stt pipe --seed my.seed wss://example.org\n\n" +
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
    ping->add_option("HOST:PORT", options.target.target,
                     "Where stt receive, stt web or stt pipe --listen runs; or ws://HOST:PORT,\n"
                     "wss://HOST:PORT")
        ->required()
        ->type_name("");
    ping->add_option("--websocket", options.target.websocket,
                     "The WebSocket for when UDP fails [default: ws:// and port 8080 of the\n"
                     "same host], or off")
        ->type_name("URL|off");
    add_trust(*ping, options.common);
    ping->footer(
        "Examples:\n  stt ping --seed my.seed -c 10 example.org:9001\n"
        "  stt ping --seed my.seed ws://example.org:8080\n\n" +
        std::string(exit_codes));
}

void add_web(CLI::App& app, WebOptions& options) {
    CLI::App* web = app.add_subcommand("web", "Serve a page that sends, receives and shares");
    add_common(*web, options.common);
    add_timeout(*web, options.common);
    add_congestion(*web, options.common);
    add_padding(*web, options.common);
    web->add_option("--listen", options.listen.websocket,
                    "Where to serve the page and its WebSockets [default: [::]:8080]")
        ->type_name("ADDR:PORT");
    web->add_option("--udp", options.listen.udp,
                    "Where to listen by UDP, for stt send and others [default: port 9001 of\n"
                    "the same address], or off")
        ->type_name("ADDR:PORT|off");
    add_tls(*web, options.listen);
    web->add_option("--share", options.shared,
                    "A file or folder that whoever comes may fetch; may be given several times")
        ->type_name("PATH")
        ->allow_extra_args(false);
    web->add_option("--assets", options.assets_directory,
                    "Serve the page in this folder instead of the one that is built in")
        ->type_name("DIR");
    web->add_flag("--overwrite", options.overwrite,
                  "Replace files that are there with other content; without it they are kept");
    web->add_flag("--show-seed", options.shows_seed,
                  "Print the seed too, with a QR code: whoever sees it can do all that you can");
    web->add_option("DIR", options.directory, "The folder to receive into")->required();
    web->footer(
        "Browsers give a page cameras and microphones only on https:// or localhost.\n\n"
        "Examples:\n  stt web --seed my.seed inbox\n"
        "  stt web --seed my.seed --share photos/ --listen 127.0.0.1:8080 inbox\n"
        "  stt web --seed my.seed --certificate cert.pem --key key.pem --listen '[::]:443' "
        "inbox\n\n" +
        std::string(exit_codes));
}

void add_bridge(CLI::App& app, BridgeOptions& options) {
    CLI::App* bridge = app.add_subcommand("bridge", "Join WebSockets and UDP, without the seed");
    bridge->add_flag("-v,--verbose", options.common.verbosity,
                     "Log to standard error; -vv logs more");
    bridge
        ->add_option("--listen", options.listen.websocket,
                     "Where clients come: WebSockets when the target is HOST:PORT\n"
                     "[default: [::]:8080], UDP when it is ws:// [default: [::]:9001]")
        ->type_name("ADDR:PORT");
    add_tls(*bridge, options.listen);
    add_trust(*bridge, options.common);
    bridge->add_option("--clients", options.client_count_max, "How many clients at one time")
        ->check(CLI::Range(1u, 1'000'000u).description(""))
        ->type_name("N")
        ->capture_default_str();
    bridge
        ->add_option("--clients-of-source", options.client_count_max_of_source,
                     "How many of one address, or of one IPv6 /64")
        ->check(CLI::Range(1u, 1'000'000u).description(""))
        ->type_name("N")
        ->capture_default_str();
    bridge
        ->add_option("--report", options.report_seconds,
                     "Print the counters this often; they are printed at the end in any case")
        ->check(CLI::Range(1u, 86'400u).description(""))
        ->type_name("SECONDS");
    bridge
        ->add_option("TARGET", options.target,
                     "The node: HOST[:PORT] by UDP, or ws[s]://HOST[:PORT]")
        ->required()
        ->type_name("");
    bridge->footer(
        "The bridge forwards what it cannot read: it needs no seed, and who has one needs not\n"
        "trust it. It opens nothing for a stranger that the node does not answer.\n\n"
        "Examples:\n"
        "  stt bridge 192.0.2.1:9001                         pages reach a node of UDP alone\n"
        "  stt bridge --listen '[::]:9001' ws://example.org  UDP reaches one behind a proxy\n\n" +
        std::string(exit_codes));
}

struct Options {
    std::string seed_file;
    std::string websocket;  // of the command that is given
    SendOptions send;
    ReceiveOptions receive;
    PipeOptions pipe;
    PingOptions ping;
    WebOptions web;
    BridgeOptions bridge;
};

ExitCode usage_error(Console& console, const std::string& text, const std::string& command) {
    console.error(fmt::format("{}; see: stt {}--help", visible(text), command));
    return ExitCode::usage;
}

ExitCode dispatch_send(SendOptions& options, std::string websocket, Console& console) {
    options.meet.waits = !options.meet.listen.udp.empty();
    if (!options.meet.waits) {
        if (options.paths.size() < 2) {
            return usage_error(console, "send needs what to send, and where to: PATH... HOST:PORT",
                               "send ");
        }
        options.meet.target.target = std::move(options.paths.back());
        options.paths.pop_back();
    }
    settle(options.meet, std::move(websocket));
    return run_send(options);
}

ExitCode dispatch(const CLI::App& app, Options& options, Console& console) {
    if (const CLI::App* seed = app.get_subcommand("seed"); seed->parsed()) {
        return seed->get_subcommand("new")->parsed() ? run_seed_new(options.seed_file)
                                                     : run_seed_show(options.seed_file);
    }
    if (app.get_subcommand("ping")->parsed()) return run_ping(options.ping);
    if (app.get_subcommand("web")->parsed()) return run_web(options.web);
    if (app.get_subcommand("bridge")->parsed()) return run_bridge(options.bridge);
    if (app.get_subcommand("receive")->parsed()) {
        options.receive.meet.waits = options.receive.meet.target.target.empty();
        settle(options.receive.meet, std::move(options.websocket));
        return run_receive(options.receive);
    }
    if (app.get_subcommand("pipe")->parsed()) {
        MeetOptions& meet = options.pipe.meet;
        meet.waits = !meet.listen.udp.empty();
        if (meet.waits != meet.target.target.empty()) {
            return usage_error(console, "pipe needs one of HOST:PORT and --listen ADDR:PORT",
                               "pipe ");
        }
        settle(meet, std::move(options.websocket));
        return run_pipe(options.pipe);
    }
    return dispatch_send(options.send, std::move(options.websocket), console);
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
    add_send(app, options.send, options.websocket);
    add_receive(app, options.receive, options.websocket);
    add_pipe(app, options.pipe, options.websocket);
    add_ping(app, options.ping);
    add_web(app, options.web);
    add_bridge(app, options.bridge);

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
