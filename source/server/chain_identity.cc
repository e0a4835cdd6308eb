#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/server/snapshot_parts.h"

namespace narthex {

namespace {

// With its length in front, so that no two sequences of messages have the same bytes.
void Append(const google::protobuf::Message& message, std::string& bytes) {
  std::string own;
  {
    google::protobuf::io::StringOutputStream stream(&own);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  bytes += std::to_string(own.size()) + ":" + own;
}

}  // namespace

std::string ChainIdentity(const envoy::config::listener::v3::FilterChain& chain, bool is_default,
                          const envoy::config::listener::v3::Listener& listener, const ConfigFiles& files) {
  std::string identity = is_default ? "default " : "chain ";
  envoy::config::listener::v3::FilterChain decided = chain;
  // Streams see another terminal filter as soon as they begin, and nothing hangs on names and notes.
  decided.clear_filters();
  decided.clear_name();
  decided.clear_metadata();
  Append(decided, identity);
  // The client's address, and what the chain was chosen by.
  identity += listener.continue_on_listener_filters_timeout() ? "lax " : "";
  for (const auto& filter : listener.listener_filters()) Append(filter, identity);
  // Whose names do not occur cannot be meant.
  const std::string& transport = chain.transport_socket().typed_config().value();
  for (const auto& secret : files.bootstrap->static_resources().secrets()) {
    if (transport.find(secret.name()) != std::string::npos) Append(secret, identity);
  }
  return identity;
}

}  // namespace narthex
