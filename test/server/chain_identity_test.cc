// When the filter chain of a later configuration is the one of an earlier one.

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gtest/gtest.h"
#include "source/server/snapshot_parts.h"

namespace narthex {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;

// What a chain's identity is made of, to be changed bit by bit.
struct Parts {
  Parts() {
    chain.set_name("edge");
    chain.add_filters()->set_name("hcm");
    chain.mutable_filter_chain_match()->add_server_names("a.test");
    auto& certificates = *tls.mutable_common_tls_context();
    certificates.add_tls_certificate_sds_secret_configs()->set_name("pair");
    for (const char* name : {"pair", "unrelated"}) {
      auto& secret = *bootstrap.mutable_static_resources()->add_secrets();
      secret.set_name(name);
      secret.mutable_tls_certificate()->mutable_private_key()->set_filename("one.key");
    }
    listener.add_listener_filters()->set_name("inspector");
  }

  std::string Identity() const {
    FilterChain whole = chain;
    whole.mutable_transport_socket()->mutable_typed_config()->PackFrom(tls);
    ConfigFiles files;
    files.bootstrap = std::make_shared<Bootstrap>(bootstrap);
    return ChainIdentity(whole, is_default, listener, files);
  }
  void SetKeyOf(int secret) {
    auto& changed = *bootstrap.mutable_static_resources()->mutable_secrets(secret);
    changed.mutable_tls_certificate()->mutable_private_key()->set_filename("two.key");
  }

  FilterChain chain;
  DownstreamTlsContext tls;
  Listener listener;
  Bootstrap bootstrap;
  bool is_default = false;
};

template <class Change>
bool StaysAfter(Change change) {
  Parts parts;
  const std::string before = parts.Identity();
  change(parts);
  return parts.Identity() == before;
}

TEST(ChainIdentity, StaysWithWhatStreamsAndPeopleSee) {
  EXPECT_TRUE(StaysAfter([](Parts& parts) { parts.chain.set_name("other"); }));
  EXPECT_TRUE(StaysAfter([](Parts& parts) { parts.chain.mutable_filters(0)->set_name("other"); }));
  EXPECT_TRUE(StaysAfter([](Parts& parts) { parts.listener.set_name("other"); }));
  EXPECT_TRUE(StaysAfter([](Parts& parts) { parts.SetKeyOf(1); }));
}

TEST(ChainIdentity, ChangesWithWhatWasDecidedOfAConnection) {
  EXPECT_FALSE(StaysAfter([](Parts& parts) { parts.is_default = true; }));
  EXPECT_FALSE(
      StaysAfter([](Parts& parts) { parts.chain.mutable_filter_chain_match()->add_server_names("b.test"); }));
  EXPECT_FALSE(
      StaysAfter([](Parts& parts) { parts.tls.mutable_require_client_certificate()->set_value(true); }));
  EXPECT_FALSE(StaysAfter([](Parts& parts) { parts.SetKeyOf(0); }));
  EXPECT_FALSE(StaysAfter([](Parts& parts) { parts.listener.clear_listener_filters(); }));
  EXPECT_FALSE(
      StaysAfter([](Parts& parts) { parts.listener.set_continue_on_listener_filters_timeout(true); }));
}

}  // namespace
}  // namespace narthex
