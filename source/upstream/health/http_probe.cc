#include <algorithm>
#include <utility>

#include "source/upstream/health/check_connection.h"
#include "source/upstream/health/probe.h"

namespace narthex {

namespace {

// What upstreams and their logs know gateways' checks by.
constexpr std::string_view kUserAgent = "Envoy/HC";

bool InRanges(int status, const std::vector<StatusRange>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [status](const StatusRange& range) {
    return status >= range.first && status < range.second;
  });
}

void Apply(const HeaderEdit& edit, HeaderMap& headers) {
  const bool there = headers.Has(edit.name);
  switch (edit.action) {
    case HeaderEdit::Action::kAppend:
      return headers.Add(edit.name, edit.value);
    case HeaderEdit::Action::kAddIfAbsent:
      if (!there) headers.Add(edit.name, edit.value);
      return;
    case HeaderEdit::Action::kOverwriteIfExists:
      if (!there) return;
      [[fallthrough]];
    case HeaderEdit::Action::kOverwrite:
      return headers.Set(edit.name, edit.value);
  }
}

class HttpProbe final : public Probe {
 public:
  HttpProbe(const ProbeContext& context, const HttpCheck& check, const Host& host)
      : context_(context),
        check_(check),
        hostname_(CheckHostname(host, check.host, context.config)),
        connection_(context, host, check.http2 ? UpstreamProtocol::kHttp2 : UpstreamProtocol::kHttp1,
                    hostname_) {}

  Task<ProbeResult> Check() override {
    Exchange exchange(context_.loop, facts_);
    ClientConnection::Result result = co_await connection_.Send(Request(Head(), Body(), exchange));
    if (const ExchangeError* error = std::get_if<ExchangeError>(&result)) {
      co_return ProbeResult::Lost(error->cause.empty() ? error->detail : error->cause);
    }
    Response& response = std::get<Response>(result);
    ProbeResult verdict = Judge(response);
    std::string seen;
    if (std::unique_ptr<ExchangeError> error = co_await ReadBody(response.body(), seen)) {
      connection_.Close();
      co_return ProbeResult::Lost("its answer broke off");
    }
    if (verdict.ok() && !HoldsInOrder(seen, check_.receive)) {
      verdict = ProbeResult::Unhealthy("its answer lacks what is expected");
    }
    if (!context_.settings.reuse_connection) connection_.Close();
    co_return verdict;
  }
  void Abandon() override { connection_.Close(); }

 private:
  HeaderMap Head() const {
    HeaderMap headers;
    headers.Add(Header::kMethod, check_.method);
    headers.Add(Header::kScheme, context_.config.connection.tls != nullptr ? "https" : "http");
    headers.Add(Header::kAuthority, hostname_);
    headers.Add(Header::kPath, check_.path);
    headers.Add(Header::kUserAgent, kUserAgent);
    for (const HeaderEdit& edit : check_.edits) Apply(edit, headers);
    for (const std::string& name : check_.removed_headers) headers.Remove(name);
    return headers;
  }

  ProbeResult Judge(const Response& response) const {
    const std::string status = std::to_string(response.status());
    if (InRanges(response.status(), check_.expected)) {
      if (!response.headers().Has("x-envoy-degraded")) return {};
      return {.kind = ProbeResult::Kind::kDegraded, .cause = "says that it is degraded"};
    }
    ProbeResult verdict = ProbeResult::Unhealthy("answered " + status);
    if (InRanges(response.status(), check_.retriable)) verdict.kind = ProbeResult::Kind::kFailed;
    verdict.excluded = response.headers().Has("x-envoy-immediate-health-check-fail");
    return verdict;
  }

  // To its end, so that the connection can be used again; keeps as much as the check looks at.
  Task<std::unique_ptr<ExchangeError>> ReadBody(Body& body, std::string& seen) const {
    for (;;) {
      BodyPiece piece = co_await body.Read();
      if (piece.error != nullptr) co_return std::move(piece.error);
      if (!check_.receive.empty()) seen += piece.data.ToString();
      if (check_.body_limit > 0 && seen.size() > check_.body_limit) seen.resize(check_.body_limit);
      if (piece.end) co_return nullptr;
    }
  }

  const ProbeContext& context_;
  const HttpCheck& check_;
  const std::string hostname_;
  const ConnectionFacts facts_;  // of a client that there is not
  CheckConnection connection_;
};

}  // namespace

std::unique_ptr<Probe> MakeHttpProbe(const ProbeContext& context, const HttpCheck& check, const Host& host) {
  return std::make_unique<HttpProbe>(context, check, host);
}

}  // namespace narthex
