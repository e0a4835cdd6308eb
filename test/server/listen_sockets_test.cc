#include "source/server/listen_sockets.h"

#include "gtest/gtest.h"
#include "test/server/text_snapshot.h"

namespace narthex {
namespace {

// A listener on a port of the kernel's choice; `more` stands among its fields.
std::string Plain(const std::string& name, const std::string& more = "") {
  std::string text =
      ListenerWith(name, 0, "{filters: [" + HcmWith("{match: {prefix: /}, route: {cluster: c}}") + "]}");
  return more.empty() ? text : text.replace(text.find(", address"), 2, ", " + more + ", ");
}

absl::StatusOr<ListenSockets> BindText(const std::string& listeners, uint32_t workers,
                                       const ListenSockets& current = {}) {
  const TextSnapshot text(BootstrapWith(listeners, {"c"}));
  if (text.snapshot == nullptr) return absl::InvalidArgumentError(text.diagnostics.ToText());
  return ListenSockets::Bind(*text.snapshot, workers, current);
}

TEST(ListenSockets, EachWorkerHasItsOwnSocketOfTheSamePort) {
  const auto bound = BindText(Plain("l"), 3);
  ASSERT_TRUE(bound.ok()) << bound.status();
  const auto& sockets = bound->all().at(0).sockets;
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_NE(sockets[0], sockets[1]);
  EXPECT_NE(sockets[0]->address().port(), 0);
  EXPECT_EQ(sockets[0]->address(), sockets[2]->address());
}

TEST(ListenSockets, WorkersShareOneWithoutReusePort) {
  const auto bound = BindText(Plain("l", "enable_reuse_port: false"), 3);
  ASSERT_TRUE(bound.ok()) << bound.status();
  const auto& sockets = bound->all().at(0).sockets;
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_EQ(sockets[0], sockets[2]);
}

TEST(ListenSockets, TakeOverWhatIsUnchanged) {
  const auto first = BindText(Plain("a") + Plain("b"), 1);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = BindText(Plain("b") + Plain("c") + Plain("a", "tcp_backlog_size: 7"), 1, *first);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->all()[0].sockets, first->all()[1].sockets);
  EXPECT_NE(second->all()[2].sockets, first->all()[0].sockets);
}

// `yaml` with port 0 replaced by the one that the first listener of `bound` has.
std::string OnItsPort(std::string yaml, const ListenSockets& bound) {
  const std::string port = std::to_string(bound.all()[0].bound().port());
  return yaml.replace(yaml.find("port_value: 0"), 13, "port_value: " + port);
}

TEST(ListenSockets, OneForAllIsHandedOverToAnotherListenerOfItsAddress) {
  const auto first = BindText(Plain("a", "enable_reuse_port: false"), 2);
  ASSERT_TRUE(first.ok()) << first.status();
  for (const std::string& changed : {Plain("a", "enable_reuse_port: false, tcp_backlog_size: 7"),
                                     Plain("b", "enable_reuse_port: false")}) {
    const auto second = BindText(OnItsPort(changed, *first), 2, *first);
    ASSERT_TRUE(second.ok()) << second.status();
    const auto& sockets = second->all()[0].sockets;
    EXPECT_NE(sockets[0], first->all()[0].sockets[0]);
    EXPECT_EQ(sockets[0], sockets[1]);
    EXPECT_EQ(sockets[0]->address(), first->all()[0].bound());
  }
}

TEST(ListenSockets, WhatIsSetBeforeBindingCannotChangeOnOneForAll) {
  const auto first = BindText(Plain("a", "enable_reuse_port: false"), 1);
  ASSERT_TRUE(first.ok()) << first.status();
  for (const auto& [fields, said] :
       {std::pair{"enable_reuse_port: true", "enable_reuse_port cannot change"},
        {"enable_reuse_port: false, socket_options: [{level: 1, name: 8, int_value: 65536}]",
         "socket_options cannot change"},
        {"enable_reuse_port: false, tcp_keepalive: {keepalive_time: 7}", "tcp_keepalive cannot change"}}) {
    const auto second = BindText(OnItsPort(Plain("a", fields), *first), 1, *first);
    ASSERT_FALSE(second.ok()) << fields;
    EXPECT_NE(std::string(second.status().message()).find(said), std::string::npos) << second.status();
  }
}

TEST(ListenSockets, AnAddressThatIsTakenIsSaidWithItsListener) {
  const auto first = BindText(Plain("a", "enable_reuse_port: false"), 1);
  ASSERT_TRUE(first.ok()) << first.status();
  std::string again = Plain("b");
  again.replace(again.find("port_value: 0"), 13,
                "port_value: " + std::to_string(first->all()[0].bound().port()));
  const auto second = BindText(again, 1);
  ASSERT_FALSE(second.ok());
  const std::string message(second.status().message());
  EXPECT_NE(message.find("<--config-yaml>:3:"), std::string::npos) << message;
  EXPECT_NE(message.find("cannot bind 127.0.0.1:"), std::string::npos) << message;
}

// The error of binding a listener on an address that this machine does not have, with a socket option.
std::string BindErrorWith(const std::string& option) {
  std::string listener = Plain("l");
  listener.replace(listener.find("127.0.0.1"), 9, "192.0.2.77");
  listener.replace(listener.find("{name: l,"), 9, "{name: l, socket_options: [" + option + "],");
  const TextSnapshot text(BootstrapWith(listener, {"c"}));
  if (text.snapshot == nullptr) return text.diagnostics.ToText();
  const auto bound = ListenSockets::Bind(*text.snapshot, 1, {});
  return bound.ok() ? "" : std::string(bound.status().message());
}

TEST(ListenSockets, SetOptionsBeforeAndAfterBinding) {
  // IP_FREEBIND of IPPROTO_IP: of use before bind only.
  EXPECT_EQ(BindErrorWith("{level: 0, name: 15, int_value: 1}"), "");
  EXPECT_EQ(BindErrorWith("{level: 0, name: 15, int_value: 1, state: STATE_PREBIND}, "
                          "{level: 1, name: 8, int_value: 65536, state: STATE_LISTENING}"),
            "");
  const std::string late = BindErrorWith("{level: 0, name: 15, int_value: 1, state: STATE_BOUND}");
  EXPECT_NE(late.find("cannot bind 192.0.2.77:0"), std::string::npos) << late;
  const std::string wrong =
      BindErrorWith("{level: 0, name: 15, int_value: 1}, {level: 99, name: 1, int_value: 1}");
  EXPECT_NE(wrong.find("cannot set socket option 99/1"), std::string::npos) << wrong;
}

}  // namespace
}  // namespace narthex
