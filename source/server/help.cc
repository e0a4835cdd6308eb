#include "source/server/command_line.h"

namespace narthex {

namespace {

constexpr std::string_view kOverview = R"(narthex: an L7 gateway, configured with Envoy v3 files.

Usage:
  narthex run -c FILE                     serve (the word "run" may be left out)
  narthex check -c FILE                   say everything that is wrong or odd, and stop
  narthex explain -c FILE METHOD URL      say which route takes a request, and why
  narthex COMMAND --help                  more about a command

Start here:
  narthex run -c examples/minimal.yaml

Configuration:
  -c, --config-path FILE      .yaml, .json, .pb_text or .pb
      --config-yaml YAML      merged over the file, or used alone
      --profile edge|envoy    defaults for what the file leaves unset: safe at the edge
                              (unless the file says otherwise), or exactly Envoy's
      --tolerate-unsupported  warn of Envoy fields that narthex lacks, rather than refuse them

Running:
      --concurrency N         worker threads; one for each core unless set
  -l, --log-level LEVEL       trace, debug, info, warning, error, critical, off
      --log-path FILE         rather than standard error; SIGUSR1 opens it again
      --drain-time-s N        how long a drain may take; 600 unless set
      --mode serve|validate   validate is the same as "check"
      --version

  SIGHUP loads the file again, and so does changing it. SIGTERM drains and ends; twice, it ends at once.
  --parent-shutdown-time-s, --base-id and --disable-hot-restart are accepted for Envoy's sake.

Exit codes: 0 fine, 1 the configuration is wrong, 2 the command line is.
)";

constexpr std::string_view kCheckHelp =
    R"(narthex check: says everything that is wrong with a configuration, and stops.

Usage:
  narthex check -c FILE [--format text|json] [--profile edge|envoy] [--tolerate-unsupported]

Every error is reported in one run, with file, line, column and path. What is legal but probably not meant
is a warning: routes that no request can reach (with a request that shows it), clusters that do not exist
or that nothing uses, and each departure from the defaults that are safe at the edge.
Nothing is bound, written or resolved.

Exit codes: 0 no error (there may be warnings), 1 errors, 2 wrong usage.
)";

constexpr std::string_view kExplainHelp =
    R"(narthex explain: says what would happen to a request, without sending it.

Usage:
  narthex explain -c FILE METHOD URL [-H 'name: value']... [--client IP] [--format text|json]

Example:
  narthex explain -c gateway.yaml GET http://shop.example/cart -H 'x-canary: 1' --client 203.0.113.7
  narthex explain -c gateway.yaml CONNECT shop.example:443

Prints the listener, filter chain, virtual host and route that take it, every route tried with the first
predicate that failed, the filters on its way, the cluster, and where each of them is written.
An https:// URL is asked for over TLS: with its host as the server name, and h2 and http/1.1 on offer.
The same answer for the running configuration comes from the admin page /explain.
)";

}  // namespace

std::string_view HelpText(Verb verb) {
  switch (verb) {
    case Verb::kCheck:
      return kCheckHelp;
    case Verb::kExplain:
      return kExplainHelp;
    default:
      return kOverview;
  }
}

std::string VersionText() {
  return "narthex 0.1.0 (C++20, HTTP/1.1, HTTP/2, TLS, gRPC, Envoy v3 configuration)";
}

}  // namespace narthex
