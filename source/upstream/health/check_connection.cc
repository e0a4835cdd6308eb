#include "source/upstream/health/check_connection.h"

#include <utility>

namespace narthex {

// A connection and its owner, which go together.
class CheckConnection::Line final : public ClientConnectionOwner {
 public:
  void OnIdle(ClientConnection&) override {}
  // It says itself that it is not usable any more, when it is wanted next.
  void OnBroken(ClientConnection&) override {}

  bool usable() const { return connection != nullptr && connection->room() > 0; }

  std::unique_ptr<ClientConnection> connection;
};

CheckConnection::CheckConnection(const ProbeContext& context, const Host& host, UpstreamProtocol protocol,
                                 std::string hostname)
    : context_(context),
      address_(CheckAddress(context.settings, host)),
      hostname_(std::move(hostname)),
      host_name_(host.hostname()),
      server_name_(context.config.connection.auto_sni && !Address::Ip(hostname_, 0).ok() ? hostname_
                                                                                         : std::string()),
      protocol_(protocol),
      proxy_header_(ProxyHeaderFor(context.config.connection, nullptr)) {}

CheckConnection::~CheckConnection() {
  Close();
}

// Later, for it may still be at work further up the stack.
void CheckConnection::Close() {
  if (line_ != nullptr) context_.loop.DeleteLater(std::move(line_));
}

Task<std::unique_ptr<ExchangeError>> CheckConnection::Open() {
  auto line = std::make_unique<Line>();
  ConnectOutcome made =
      co_await context_.connectors.http(context_.loop,
                                        {.address = address_,
                                         .hostname = host_name_,
                                         .settings = context_.config.connection,
                                         .protocol = protocol_,
                                         .proxy_header = proxy_header_,
                                         .server_name = server_name_,
                                         .sessions = context_.sessions,
                                         .http2 = context_.http2 ? &*context_.http2 : nullptr},
                                        *line);
  if (made.ok()) {
    line->connection = std::move(made->connection);
    line_ = std::move(line);
    co_return nullptr;
  }
  auto error = std::make_unique<ExchangeError>();
  error->flag = ResponseFlag::kUpstreamConnectionFailure;
  error->cause = std::string(made.status().message());
  co_return error;
}

Task<ClientConnection::Result> CheckConnection::Send(Request request) {
  for (;;) {
    if (line_ != nullptr && !line_->usable()) Close();
    const bool reused = line_ != nullptr;
    if (!reused) {
      if (std::unique_ptr<ExchangeError> error = co_await Open()) co_return std::move(*error);
    }
    std::optional<Request> unsent;
    ClientConnection::Result result =
        co_await line_->connection->Send(std::move(request), reused ? &unsent : nullptr);
    if (std::holds_alternative<Response>(result)) co_return result;
    Close();
    // A check changes nothing, whatever its method is.
    if (!unsent) co_return result;
    request = *std::move(unsent);
  }
}

}  // namespace narthex
