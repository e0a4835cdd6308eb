// What connections have of filter chains that stay, change and go.

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "source/filter/health_flag.h"
#include "source/manager/hcm_config.h"
#include "source/stats/stats.h"
#include "test/server/worker_rig.h"

namespace narthex {
namespace {

// A filter chain that answers with this status; `fields` come before its filters.
std::string ChainOf(int status, const std::string& fields = "") {
  return "{" + fields + "filters: [" +
         HcmWith("{match: {prefix: /}, direct_response: {status: " + std::to_string(status) + "}}") + "]}";
}

// For the client that a PROXY header names.
std::string From(const std::string& ip) {
  return "filter_chain_match: {source_prefix_ranges: [{address_prefix: " + ip + ", prefix_len: 32}]}, ";
}

// `name` is that of a listener filter and its message.
std::string Filter(const std::string& name) {
  return "{name: f, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener." + name +
         "}}";
}

// A listener of these chains; more fields of it in front of them.
std::string ListenerOf(const std::string& chains, const std::string& fields) {
  std::string listener = ListenerWith("l", 0, chains);
  return listener.insert(listener.find("filter_chains"), fields + ", ");
}

// Whose chains are chosen by what clients say of themselves.
std::string Proxied(const std::string& chains) {
  return ListenerOf(chains, "listener_filters: [" + Filter("proxy_protocol.v3.ProxyProtocol") + "]");
}

// The last exchange of a connection that drains.
void ExpectLast(const std::string& answer, const std::string& status) {
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << answer;
  EXPECT_NE(answer.find("connection: close"), std::string::npos) << answer;
}
void ExpectOneOfMore(const std::string& answer, const std::string& status) {
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << answer;
  EXPECT_EQ(answer.find("connection: close"), std::string::npos) << answer;
}

class ChainTest : public WorkerTest {
 protected:
  // A client that says that it is at `ip`.
  Wire ConnectFrom(const std::string& ip) const {
    Wire client = Wire::ConnectTo(Port());
    client.Send("PROXY TCP4 " + ip + " 198.51.100.7 4000 80\r\n");
    return client;
  }
  // Of a chain of the present configuration.
  std::weak_ptr<const HcmConfig> ManagerOf(size_t chain) const {
    return snapshot_->listeners[0]->chains[chain].hcm;
  }
};

TEST_F(ChainTest, ChainsOfOneNameAreTwo) {
  for (const std::string& chains :
       {ChainOf(201, "name: edge, " + From("192.0.2.1")) + ", " + ChainOf(202, "name: edge, "),
        ChainOf(201, "name: default, " + From("192.0.2.1")) + "], default_filter_chain: " + ChainOf(202) +
            ", access_log: ["}) {
    Start(Proxied(chains));
    Wire partner = ConnectFrom("192.0.2.1"), stranger = ConnectFrom("192.0.2.2");
    EXPECT_EQ(StatusLine(partner), "HTTP/1.1 201") << chains;
    EXPECT_EQ(StatusLine(stranger), "HTTP/1.1 202") << chains;
    worker_.reset();
  }
}

TEST_F(ChainTest, AConnectionStaysInItsChainWhereverThatMoves) {
  Start(Proxied(ChainOf(202)));
  Wire stranger = ConnectFrom("192.0.2.1");
  EXPECT_EQ(StatusLine(stranger), "HTTP/1.1 202");
  Update(Proxied(ChainOf(201, From("192.0.2.1")) + ", " + ChainOf(203, "name: new, ")));
  ExpectOneOfMore(Ask(stranger), "203");
  Wire partner = ConnectFrom("192.0.2.1");
  EXPECT_EQ(StatusLine(partner), "HTTP/1.1 201");
}

TEST_F(ChainTest, WhatWasDecidedOtherwiseKeepsItsConfigurationAndDrains) {
  for (const std::string& changed : {Proxied(ChainOf(202, From("192.0.2.9"))),
                                     Proxied(ChainOf(202, "transport_socket_connect_timeout: 7s, ")),
                                     ListenerOf(ChainOf(202), "listener_filters_timeout: 7s")}) {
    Start(Proxied(ChainOf(201)));
    Wire client = ConnectFrom("192.0.2.1");
    EXPECT_EQ(StatusLine(client), "HTTP/1.1 201");
    Update(changed);
    ExpectLast(Ask(client), "201");
    EXPECT_EQ(client.ReadAll(), "");
    worker_.reset();
  }
}

TEST_F(ChainTest, WhoArrivesWhileItsChainGoesIsServedByItAndDrained) {
  Start(Proxied(ChainOf(201)));
  Wire client = Wire::ConnectTo(Port());
  client.Send("PROXY TCP4 192.0.2.1 198.51.");
  EXPECT_FALSE(client.WaitForInput(100));
  Update(Proxied(ChainOf(202, From("192.0.2.9"))));
  client.Send("100.7 4000 80\r\n");
  ExpectLast(Ask(client), "201");
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(ChainTest, WhoArrivesWhileItsChainChangesIsServedByTheChange) {
  Start(Proxied(ChainOf(201)));
  Wire client = Wire::ConnectTo(Port());
  client.Send("PROXY TCP4 192.0.2.1 198.51.");
  EXPECT_FALSE(client.WaitForInput(100));
  Update(Proxied(ChainOf(203, From("192.0.2.1")) + ", " + ChainOf(202)));
  client.Send("100.7 4000 80\r\n");
  ExpectOneOfMore(Ask(client), "202");
}

TEST_F(ChainTest, WhoArrivesWhileTheListenerGoesIsDrained) {
  Start(Proxied(ChainOf(201)));
  Wire client = Wire::ConnectTo(Port());
  client.Send("PROXY TCP4 192.0.2.1 198.51.");
  EXPECT_FALSE(client.WaitForInput(100));
  Update(Answering("other", 202));
  client.Send("100.7 4000 80\r\n");
  ExpectLast(Ask(client), "201");
}

TEST_F(ChainTest, NothingIsLeftOfAChainThatIsGone) {
  Start(Proxied(ChainOf(201)));
  const std::weak_ptr<const HcmConfig> gone = ManagerOf(0);
  {
    Wire client = ConnectFrom("192.0.2.1");
    EXPECT_EQ(StatusLine(client), "HTTP/1.1 201");
    Update(Proxied(ChainOf(202, From("192.0.2.9"))));
    EXPECT_FALSE(gone.expired()) << "its connection is there";
    ExpectLast(Ask(client), "201");
    EXPECT_EQ(client.ReadAll(), "");
  }
  // The worker hears of the client's end a little later.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!gone.expired() && std::chrono::steady_clock::now() < end) {
    Update(Proxied(ChainOf(203, From("192.0.2.9"))));
  }
  EXPECT_TRUE(gone.expired());
}

TEST_F(ChainTest, IsChosenByTheHttpThatIsSpoken) {
  const auto by = [](const std::string& protocol) {
    return "filter_chain_match: {application_protocols: [" + protocol + "]}, ";
  };
  Start(ListenerOf(ChainOf(201, by("http/1.1")) + ", " + ChainOf(202, by("h2c")),
                   "listener_filters: [" + Filter("tls_inspector.v3.TlsInspector") + ", " +
                       Filter("http_inspector.v3.HttpInspector") + "]"));
  Wire slow = Wire::ConnectTo(Port());
  slow.SendByteByByte("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  EXPECT_EQ(slow.ReadMessage().substr(0, 12), "HTTP/1.1 201");
  Wire two = Wire::ConnectTo(Port());
  two.Send(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33));
  EXPECT_EQ(two.ReadBytes(4).substr(3), "\4") << "SETTINGS";
  for (const std::string other : {"GET / HTTP/1.0\r\nhost: a.test\r\n\r\n", "SSH-2.0-x\r\n"}) {
    Wire none = Wire::ConnectTo(Port());
    none.Send(other);
    EXPECT_EQ(none.ReadAll(), "") << other;
  }
  const auto found = [](const std::string& what) {
    return StatsStore::Process().ValueOf("http_inspector." + what);
  };
  EXPECT_EQ(found("http11_found"), 1u);
  EXPECT_EQ(found("http2_found"), 1u);
  EXPECT_EQ(found("http10_found"), 1u);
  EXPECT_EQ(found("http_not_found"), 1u);
}

// As long as it lives, the process is not well.
struct Unwell {
  Unwell() { HealthFlag::SetFailing(true); }
  ~Unwell() { HealthFlag::SetFailing(false); }
};

TEST_F(ChainTest, ClientsOfAProcessThatIsNotWellAreSentAwayUnlessTheListenerKeepsThem) {
  for (const bool keeps : {false, true}) {
    Start(ListenerOf(ChainOf(201), keeps ? "drain_type: MODIFY_ONLY" : "drain_type: DEFAULT"));
    Wire old = Wire::ConnectTo(Port());
    EXPECT_EQ(StatusLine(old), "HTTP/1.1 201");
    const Unwell unwell;
    worker_->SendAway();
    Wire later = Wire::ConnectTo(Port());
    // Comes behind it.
    Update(ListenerOf(ChainOf(201), keeps ? "drain_type: MODIFY_ONLY" : "drain_type: DEFAULT"));
    for (Wire* client : {&old, &later}) {
      const std::string answer = Ask(*client);
      if (keeps) ExpectOneOfMore(answer, "201");
      if (!keeps) ExpectLast(answer, "201");
    }
    worker_.reset();
  }
}

TEST_F(ChainTest, AnUnixSocketServesOnUnderAnotherName) {
  // Abstract: the folder of a test may be too deep for a socket's path.
  const std::string path = "@narthex-chains-" + std::to_string(getpid());
  const auto named = [&](const std::string& name, int status) {
    std::string listener = Answering(name, status);
    return listener.replace(listener.find("socket_address: {address: 127.0.0.1, port_value: 0}"), 51,
                            "pipe: {path: '" + path + "'}");
  };
  Start(named("one", 201));
  const auto ask = [&] {
    const Address address = *Address::Unix(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, address.sockaddr_ptr(), address.sockaddr_length()), 0);
    Wire client(fd);
    return StatusLine(client);
  };
  EXPECT_EQ(ask(), "HTTP/1.1 201");
  Update(named("two", 202));
  EXPECT_EQ(ask(), "HTTP/1.1 202");
  Update(named("three", 203));
  EXPECT_EQ(ask(), "HTTP/1.1 203");
}

}  // namespace
}  // namespace narthex
