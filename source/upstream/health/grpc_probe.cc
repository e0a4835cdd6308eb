#include <charconv>
#include <optional>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"
#include "source/upstream/health/check_connection.h"
#include "source/upstream/health/probe.h"

namespace narthex {

namespace {

using google::protobuf::internal::WireFormatLite;

// An answer is a few bytes; what is longer is none.
constexpr uint64_t kMostBytes = 4096;

// grpc.health.v1.HealthCheckRequest{service = 1}, behind the five bytes of its frame.
std::string RequestFrame(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    google::protobuf::io::StringOutputStream stream(&message);
    google::protobuf::io::CodedOutputStream coded(&stream);
    WireFormatLite::WriteString(1, service, &coded);
  }
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8)
    frame.push_back(static_cast<char>(message.size() >> shift & 0xff));
  return frame + message;
}

// HealthCheckResponse{status = 1} of a frame that holds nothing else; none when it does not parse.
std::optional<uint32_t> ServingStatus(const std::string& frame) {
  if (frame.size() < 5 || frame[0] != 0) return std::nullopt;
  uint32_t length = 0;
  for (int i = 1; i < 5; ++i) length = length << 8 | static_cast<uint8_t>(frame[static_cast<size_t>(i)]);
  if (length != frame.size() - 5) return std::nullopt;
  google::protobuf::io::CodedInputStream coded(reinterpret_cast<const uint8_t*>(frame.data()) + 5,
                                               static_cast<int>(length));
  uint32_t status = 0;
  while (const uint32_t tag = coded.ReadTag()) {
    const bool is_status = tag == WireFormatLite::MakeTag(1, WireFormatLite::WIRETYPE_VARINT);
    if (is_status ? !coded.ReadVarint32(&status) : !WireFormatLite::SkipField(&coded, tag))
      return std::nullopt;
  }
  if (!coded.ConsumedEntireMessage()) return std::nullopt;
  return status;
}

std::string StatusName(uint32_t status) {
  constexpr const char* kNames[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < std::size(kNames) ? kNames[status] : "status " + std::to_string(status);
}

class GrpcProbe final : public Probe {
 public:
  GrpcProbe(const ProbeContext& context, const GrpcCheck& check, const Host& host)
      : context_(context),
        frame_(RequestFrame(check.service)),
        authority_(CheckHostname(host, check.authority, context.config)),
        connection_(context, host, UpstreamProtocol::kHttp2, authority_) {}

  Task<ProbeResult> Check() override {
    Exchange exchange(context_.loop, facts_);
    ClientConnection::Result result = co_await connection_.Send(Request(Head(), Body(frame_), exchange));
    if (const ExchangeError* error = std::get_if<ExchangeError>(&result)) {
      co_return ProbeResult::Lost(error->cause.empty() ? error->detail : error->cause);
    }
    Response& response = std::get<Response>(result);
    WholeBody whole = co_await ReadAll(response.body(), kMostBytes);
    if (whole.error != nullptr) {
      connection_.Close();
      co_return ProbeResult::Lost("its answer broke off");
    }
    if (!context_.settings.reuse_connection) connection_.Close();
    co_return Judge(response, whole);
  }
  void Abandon() override { connection_.Close(); }

 private:
  HeaderMap Head() const {
    HeaderMap headers;
    headers.Add(Header::kMethod, "POST");
    headers.Add(Header::kScheme, context_.config.connection.tls != nullptr ? "https" : "http");
    headers.Add(Header::kAuthority, authority_);
    headers.Add(Header::kPath, "/grpc.health.v1.Health/Check");
    headers.Add(Header::kContentType, "application/grpc");
    headers.Add(Header::kTe, "trailers");
    headers.Add(Header::kUserAgent, "Envoy/HC");
    return headers;
  }

  static ProbeResult Judge(const Response& response, const WholeBody& whole) {
    if (response.status() != 200)
      return ProbeResult::Unhealthy("answered " + std::to_string(response.status()));
    std::string_view status = response.headers().Get(Header::kGrpcStatus);
    if (status.data() == nullptr && whole.trailers != nullptr)
      status = whole.trailers->Get(Header::kGrpcStatus);
    if (status.empty()) return ProbeResult::Unhealthy("answered without grpc-status");
    if (status != "0") return ProbeResult::Unhealthy("answered grpc-status " + std::string(status));
    const std::optional<uint32_t> serving = ServingStatus(whole.data.ToString());
    if (!serving) return ProbeResult::Unhealthy("answered what is no HealthCheckResponse");
    return *serving == 1 ? ProbeResult{} : ProbeResult::Unhealthy("answered " + StatusName(*serving));
  }

  const ProbeContext& context_;
  const std::string frame_, authority_;
  const ConnectionFacts facts_;  // of a client that there is not
  CheckConnection connection_;
};

}  // namespace

std::unique_ptr<Probe> MakeGrpcProbe(const ProbeContext& context, const GrpcCheck& check, const Host& host) {
  return std::make_unique<GrpcProbe>(context, check, host);
}

}  // namespace narthex
