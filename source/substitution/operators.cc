#include "source/substitution/operators.h"

#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace narthex {
namespace {

using Kind = FormatValue::Kind;

void Text(FormatValue& value, std::string_view text) {
  if (text.empty()) return;
  value.kind = Kind::kText;
  value.text = text;
}
void Own(FormatValue& value, std::string text) {
  value.owned = std::move(text);
  Text(value, value.owned);
}
void Number(FormatValue& value, int64_t number) {
  value.kind = Kind::kNumber;
  value.number = number;
}

// REQ(X?Y):Z and its kind: the first field called X, else Y, cut to Z bytes.
void FromHeaders(const HeaderMap* headers, const FormatArguments& arguments, FormatValue& value) {
  if (headers == nullptr) return;
  std::string_view found = headers->Get(arguments.first);
  if (found.data() == nullptr && !arguments.second.empty()) found = headers->Get(arguments.second);
  if (found.data() == nullptr) return;
  value.kind = Kind::kText;
  value.text = arguments.has_max_length ? found.substr(0, arguments.max_length) : found;
}

// Milliseconds between two points of the time line; absent unless both were reached.
void Between(uint64_t from, uint64_t to, FormatValue& value) {
  if (from != 0 && to >= from) Number(value, static_cast<int64_t>((to - from) / 1000));
}

void Req(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.request, a, v);
}
void Resp(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.response, a, v);
}
void Trailer(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.trailers, a, v);
}

void ReqWithoutQuery(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  FromHeaders(c.request, a, v);
  v.text = v.text.substr(0, v.text.find('?'));
}

void Path(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.request != nullptr) Text(v, c.request->Get(Header::kPath));
}

template <class F>
void WithExchange(const FormatContext& c, F use) {
  if (c.exchange != nullptr) use(*c.exchange);
}

void StartTime(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  if (c.exchange == nullptr) return;
  const auto since = c.exchange->times.start_wall.time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  const time_t seconds = static_cast<time_t>(ms / 1000);
  tm utc;
  gmtime_r(&seconds, &utc);
  std::array<char, 128> text;
  if (!a.text.empty()) {
    Own(v, std::string(text.data(), strftime(text.data(), text.size(), a.text.c_str(), &utc)));
    return;
  }
  std::string iso(text.data(), strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc));
  const std::string millis = std::to_string(1000 + ms % 1000);
  Own(v, iso + millis.substr(1) + "Z");
}

template <std::string_view (*Name)(ResponseFlag)>
void Flags(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.exchange == nullptr || c.exchange->flags() == 0) return;
  std::string names;
  for (int flag = 1; flag < static_cast<int>(ResponseFlag::kCount); ++flag) {
    if (!c.exchange->HasFlag(static_cast<ResponseFlag>(flag))) continue;
    if (!names.empty()) names += ",";
    names += Name(static_cast<ResponseFlag>(flag));
  }
  Own(v, std::move(names));
}

void Protocol(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.connection().protocol); });
}
void ResponseCode(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Number(v, e.response_status); });
}
void ResponseCodeDetails(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.response_details); });
}
void TerminationDetails(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.termination_details); });
}
void BytesReceived(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Number(v, static_cast<int64_t>(e.request_body_bytes)); });
}
void BytesSent(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Number(v, static_cast<int64_t>(e.response_body_bytes)); });
}
void Duration(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Between(e.times.start, e.times.end, v); });
}
void RequestDuration(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Between(e.times.start, e.times.request_end, v); });
}
void ResponseDuration(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Between(e.times.start, e.times.response_head, v); });
}
void ResponseTxDuration(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Between(e.times.response_head, e.times.end, v); });
}
void UpstreamHost(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.upstream.host.ToString()); });
}
void UpstreamLocal(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.upstream.local.ToString()); });
}
void UpstreamCluster(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.upstream.cluster); });
}
void UpstreamProtocol(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.upstream.protocol); });
}
void UpstreamAttempts(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Number(v, e.upstream.attempts); });
}
void TransportFailure(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.upstream.transport_failure); });
}
void Remote(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.client.ToString()); });
}
void RemoteIp(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.client.IpString()); });
}
void DirectRemote(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.connection().remote.ToString()); });
}
void DirectRemoteIp(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.connection().remote.IpString()); });
}
void Local(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.connection().local.ToString()); });
}
void LocalIp(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Own(v, e.connection().local.IpString()); });
}
void ServerName(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Text(v, e.connection().requested_server_name); });
}
void ConnectionId(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  WithExchange(c, [&](const Exchange& e) { Number(v, static_cast<int64_t>(e.connection().id)); });
}
void StreamId(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.request != nullptr) Text(v, c.request->Get(Header::kXRequestId));
}
void DynamicMetadata(const FormatContext& c, const FormatArguments& a, FormatValue& v) {
  const size_t colon = a.text.find(':');
  if (c.exchange == nullptr || colon == std::string::npos) return;
  const std::string_view text = a.text;
  Text(v, c.exchange->GetMetadata(text.substr(0, colon), text.substr(colon + 1)));
}
void GrpcStatus(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  if (c.trailers != nullptr) Text(v, c.trailers->Get(Header::kGrpcStatus));
  if (v.kind == Kind::kAbsent && c.response != nullptr) Text(v, c.response->Get(Header::kGrpcStatus));
}
void LocalReplyBody(const FormatContext& c, const FormatArguments&, FormatValue& v) {
  Text(v, c.local_reply_body);
}
void Environment(const FormatContext&, const FormatArguments& a, FormatValue& v) {
  if (const char* set = std::getenv(a.text.c_str())) Text(v, set);
}
void Hostname(const FormatContext&, const FormatArguments&, FormatValue& v) {
  static const std::string name = [] {
    std::array<char, 256> text = {};
    return gethostname(text.data(), text.size() - 1) == 0 ? std::string(text.data()) : std::string();
  }();
  Text(v, name);
}

constexpr FormatOperator kOperators[] = {
    {"REQ", true, Req},
    {"RESP", true, Resp},
    {"TRAILER", true, Trailer},
    {"REQ_WITHOUT_QUERY", true, ReqWithoutQuery},
    {"PATH", false, Path},
    {"START_TIME", false, StartTime},
    {"PROTOCOL", false, Protocol},
    {"RESPONSE_CODE", false, ResponseCode},
    {"RESPONSE_CODE_DETAILS", false, ResponseCodeDetails},
    {"CONNECTION_TERMINATION_DETAILS", false, TerminationDetails},
    {"RESPONSE_FLAGS", false, Flags<ShortName>},
    {"RESPONSE_FLAGS_LONG", false, Flags<LongName>},
    {"BYTES_RECEIVED", false, BytesReceived},
    {"BYTES_SENT", false, BytesSent},
    {"DURATION", false, Duration},
    {"REQUEST_DURATION", false, RequestDuration},
    {"RESPONSE_DURATION", false, ResponseDuration},
    {"RESPONSE_TX_DURATION", false, ResponseTxDuration},
    {"UPSTREAM_HOST", false, UpstreamHost},
    {"UPSTREAM_LOCAL_ADDRESS", false, UpstreamLocal},
    {"UPSTREAM_CLUSTER", false, UpstreamCluster},
    {"UPSTREAM_PROTOCOL", false, UpstreamProtocol},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", false, UpstreamAttempts},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", false, TransportFailure},
    {"DOWNSTREAM_REMOTE_ADDRESS", false, Remote},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", false, RemoteIp},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", false, DirectRemote},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", false, DirectRemoteIp},
    {"DOWNSTREAM_LOCAL_ADDRESS", false, Local},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", false, LocalIp},
    {"REQUESTED_SERVER_NAME", false, ServerName},
    {"CONNECTION_ID", false, ConnectionId},
    {"STREAM_ID", false, StreamId},
    {"DYNAMIC_METADATA", true, DynamicMetadata},
    {"GRPC_STATUS", false, GrpcStatus},
    {"LOCAL_REPLY_BODY", false, LocalReplyBody},
    {"ENVIRONMENT", true, Environment},
    {"HOSTNAME", false, Hostname},
};

}  // namespace

const FormatOperator* FindFormatOperator(std::string_view name) {
  for (const FormatOperator& candidate : kOperators) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

}  // namespace narthex
