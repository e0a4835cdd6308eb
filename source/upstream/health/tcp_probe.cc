#include <cstring>
#include <utility>

#include "source/upstream/health/probe.h"

namespace narthex {

namespace {

// A host that says more than this without what is expected will not come to it.
constexpr size_t kMostBytes = 64 * 1024;

class TcpProbe final : public Probe {
 public:
  TcpProbe(const ProbeContext& context, const TcpCheck& check, const Host& host)
      : context_(context),
        check_(check),
        address_(CheckAddress(context.settings, host)),
        hostname_(host.hostname()),
        proxy_header_(ProxyHeaderFor(context.config.connection, nullptr)) {}

  Task<ProbeResult> Check() override {
    const bool reused = stream_ != nullptr && stream_->Quiet() && !stream_->closed();
    if (reused) {
      ProbeResult result = co_await Converse();
      if (!result.network) co_return Keep(std::move(result));
    }
    // What was idle may have been closed meanwhile, and says nothing about the host.
    stream_.reset();
    StreamOutcome made =
        co_await context_.connectors.stream(context_.loop, {.address = address_,
                                                            .hostname = hostname_,
                                                            .settings = context_.config.connection,
                                                            .proxy_header = proxy_header_,
                                                            .sessions = context_.sessions});
    if (!made.ok()) co_return ProbeResult::Lost(std::string(made.status().message()));
    stream_ = std::move(made->stream);
    // Connecting is all that is asked: there is nothing that an old connection could tell.
    if (check_.receive.empty()) {
      stream_.reset();
      co_return ProbeResult{};
    }
    co_return Keep(co_await Converse());
  }
  void Abandon() override { stream_.reset(); }

 private:
  ProbeResult Keep(ProbeResult result) {
    if (!result.ok() || !context_.settings.reuse_connection) stream_.reset();
    return result;
  }

  static ProbeResult Broken(const IoResult& result, const char* end) {
    return ProbeResult::Lost(result.kind == IoResult::Kind::kError ? strerror(result.error) : end);
  }

  Task<ProbeResult> Converse() {
    Buffer out{std::string_view(check_.send)};
    while (!out.empty()) {
      const IoResult written = stream_->Write(out);
      if (written.kind == IoResult::Kind::kWouldBlock) {
        co_await stream_->Writable();
      } else if (!written.ok()) {
        co_return Broken(written, "closed the connection");
      }
    }
    std::string seen;
    for (;;) {
      Buffer in;
      const IoResult read = stream_->Read(in, kMostBytes);
      seen += in.ToString();
      if (HoldsInOrder(seen, check_.receive)) co_return ProbeResult{};
      if (seen.size() > kMostBytes) co_return ProbeResult::Lost("its bytes lack what is expected");
      if (read.kind == IoResult::Kind::kWouldBlock) {
        co_await stream_->Readable();
      } else if (!read.ok()) {
        co_return Broken(read, "closed the connection before what is expected came");
      }
    }
  }

  const ProbeContext& context_;
  const TcpCheck& check_;
  const Address address_;
  const std::string hostname_, proxy_header_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Probe> MakeTcpProbe(const ProbeContext& context, const TcpCheck& check, const Host& host) {
  return std::make_unique<TcpProbe>(context, check, host);
}

}  // namespace narthex
