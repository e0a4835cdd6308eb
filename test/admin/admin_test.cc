#include "source/admin/admin.h"

#include "gtest/gtest.h"
#include "source/admin/pages.h"
#include "source/stats/stats.h"

namespace narthex {
namespace {

// A process with one listener that remembers what it was told.
class FakeBackend : public AdminBackend {
 public:
  ServerState State() const override { return state; }
  std::string ServerInfo() const override { return "{}"; }
  std::vector<ListenerRow> Listeners() const override { return {{"front", {"127.0.0.1:80", "/run/x.sock"}}}; }
  std::string ClustersText() const override { return "c::default_priority::max_connections::1024\n"; }
  std::string ClustersJson() const override { return "{\"cluster_statuses\":[]}"; }
  AdminReply ConfigDump(const AdminRequest& request) const override {
    return JsonReply("{\"configs\":[]}" + std::string(request.Get("resource")));
  }
  std::string Runtime() const override { return "{}"; }
  AdminReply ModifyRuntime(const AdminRequest& request) override {
    for (const auto& [key, value] : request.query) told += key + "=" + value + " ";
    return {200, "OK\n"};
  }
  std::string Certificates() const override { return "{\"certificates\":[]}"; }
  AdminReply Explain(const AdminRequest& request) const override {
    return {200, std::string(request.Get("url"))};
  }
  void FailHealthCheck(bool failing) override { told += failing ? "fail " : "ok "; }
  void DrainListeners(ListenerDrain how) override {
    told += how == ListenerDrain::kGraceful          ? "drain-gracefully "
            : how == ListenerDrain::kConnectionsOnly ? "drain-connections "
                                                     : "drain ";
  }
  void Quit() override { told += "quit "; }
  void ReopenLogs() override { told += "reopen "; }

  ServerState state = ServerState::kLive;
  std::string told;
};

class Admin : public testing::Test {
 protected:
  AdminReply Ask(std::string_view method, std::string_view target, std::string_view host = "127.0.0.1:9901") {
    return AdminHandler(MakeAdminPages(backend_), options_).Serve(method, target, host);
  }
  FakeBackend backend_;
  AdminOptions options_;
};

TEST_F(Admin, ReadyNamesTheState) {
  EXPECT_EQ(Ask("GET", "/ready").status, 200);
  EXPECT_EQ(Ask("GET", "/ready").body, "LIVE\n");
  backend_.state = ServerState::kDraining;
  EXPECT_EQ(Ask("GET", "/ready").status, 503);
  EXPECT_EQ(Ask("GET", "/ready").body, "DRAINING\n");
  backend_.state = ServerState::kPreInitializing;
  EXPECT_EQ(Ask("GET", "/ready").body, "PRE_INITIALIZING\n");
}

TEST_F(Admin, OtherOptionsHoldFromTheNextRequestOn) {
  AdminHandler admin(MakeAdminPages(backend_), options_);
  EXPECT_EQ(admin.Serve("GET", "/stats", "localhost").status, 200);
  admin.SetOptions({.allowed = [](std::string_view path) { return path == "/ready"; }});
  EXPECT_EQ(admin.Serve("GET", "/stats", "localhost").status, 403);
  EXPECT_EQ(admin.Serve("GET", "/ready", "localhost").status, 200);
}

TEST_F(Admin, APageOfAnotherSiteCannotChangeAnything) {
  const AdminHandler admin(MakeAdminPages(backend_), options_);
  const auto ask = [&](const char* method, AdminSender sender) {
    return admin.Serve(method, "/healthcheck/fail", "localhost:9901", sender).status;
  };
  EXPECT_EQ(ask("POST", {"https://evil.example", "cross-site"}), 403);
  EXPECT_EQ(ask("POST", {"", "cross-site"}), 403);
  EXPECT_EQ(ask("POST", {"", "same-site"}), 403);
  EXPECT_EQ(ask("POST", {"null", ""}), 403);
  EXPECT_EQ(ask("POST", {"http://localhost:9902", ""}), 403);
  EXPECT_EQ(backend_.told, "");
  EXPECT_EQ(ask("POST", {"http://localhost:9901", "same-origin"}), 200);
  EXPECT_EQ(ask("POST", {"", ""}), 200);
  EXPECT_EQ(backend_.told, "fail fail ");
}

TEST_F(Admin, WhatChangesSomethingTakesAPost) {
  for (const std::string path : {"/healthcheck/fail", "/healthcheck/ok", "/drain_listeners", "/quitquitquit",
                                 "/reopen_logs", "/reset_counters", "/runtime_modify?a=1"}) {
    EXPECT_EQ(Ask("GET", path).status, 405) << path;
  }
  EXPECT_EQ(Ask("GET", "/logging?level=debug").status, 405);
  EXPECT_EQ(backend_.told, "");
  Ask("POST", "/healthcheck/fail");
  Ask("POST", "/healthcheck/ok");
  Ask("POST", "/drain_listeners?graceful");
  Ask("POST", "/drain_listeners");
  Ask("POST", "/drain_listeners?skip_exit");
  EXPECT_EQ(Ask("POST", "/drain_listeners?inboundonly").status, 400);
  Ask("POST", "/reopen_logs");
  EXPECT_EQ(backend_.told, "fail ok drain-gracefully drain drain-connections reopen ");
}

TEST_F(Admin, TheRuntimeIsModifiedByKey) {
  EXPECT_EQ(Ask("POST", "/runtime_modify").status, 400);
  EXPECT_EQ(backend_.told, "");
  EXPECT_EQ(Ask("POST", "/runtime_modify?a.b=5%25&c=").body, "OK\n");
  EXPECT_EQ(backend_.told, "a.b=5% c= ");
}

TEST_F(Admin, NothingIsWaitedFor) {
  EXPECT_EQ(Ask("GET", "/init_dump").body, "{}\n");
}

TEST_F(Admin, QuitsOnlyAfterTheReply) {
  const AdminReply reply = Ask("POST", "/quitquitquit");
  EXPECT_EQ(backend_.told, "");
  reply.afterwards();
  EXPECT_EQ(backend_.told, "quit ");
}

TEST_F(Admin, ALoopbackPageHasNoOtherNames) {
  EXPECT_EQ(Ask("GET", "/ready", "evil.example").status, 403);
  EXPECT_EQ(Ask("GET", "/ready", "localhost.evil.example:9901").status, 403);
  EXPECT_EQ(Ask("GET", "/ready", "").status, 403);
  for (const std::string host : {"localhost", "localhost:9901", "127.0.0.1", "[::1]:9901", "10.0.0.1:80"}) {
    EXPECT_EQ(Ask("GET", "/ready", host).status, 200) << host;
  }
  options_.loopback_only = false;
  EXPECT_EQ(Ask("GET", "/ready", "gateway.example").status, 200);
}

TEST_F(Admin, OnlyAllowedPathsAreServed) {
  options_.allowed = [](std::string_view path) { return path == "/ready"; };
  EXPECT_EQ(Ask("GET", "/ready?x=1").status, 200);
  EXPECT_EQ(Ask("GET", "/stats").status, 403);
}

TEST_F(Admin, TheIndexListsEveryPage) {
  const AdminReply reply = Ask("GET", "/");
  EXPECT_EQ(reply.content_type, "text/html; charset=UTF-8");
  for (const AdminPage& page : MakeAdminPages(backend_)) {
    EXPECT_NE(reply.body.find(page.path), std::string::npos) << page.path;
  }
}

TEST_F(Admin, ListenersComeAsTextAndJson) {
  EXPECT_EQ(Ask("GET", "/listeners").body, "front::127.0.0.1:80\nfront::/run/x.sock\n");
  EXPECT_EQ(Ask("GET", "/listeners?format=json").body,
            "{\"listener_statuses\":[{\"name\":\"front\",\"local_address\":{\"socket_address\":{\"address\":"
            "\"127.0.0.1\",\"port_value\":80}},\"additional_local_addresses\":[{\"pipe\":{\"path\":"
            "\"/run/x.sock\"}}]}]}");
}

TEST_F(Admin, StatisticsCanBeChosen) {
  StatsStore::Process().MakeCounter("admin_test.used").Add(3);
  StatsStore::Process().MakeCounter("admin_test.unused");
  EXPECT_EQ(Ask("GET", "/stats?filter=^admin_test&usedonly").body, "admin_test.used: 3\n");
  EXPECT_EQ(Ask("GET", "/stats?filter=^admin_test").body, "admin_test.unused: 0\nadmin_test.used: 3\n");
  EXPECT_EQ(Ask("GET", "/stats?filter=(").status, 400);
  EXPECT_EQ(Ask("GET", "/stats?format=xml").status, 400);
  EXPECT_EQ(Ask("POST", "/reset_counters").status, 200);
  EXPECT_EQ(Ask("GET", "/stats?filter=^admin_test.used").body, "admin_test.used: 0\n");
}

TEST_F(Admin, LogLevelsAreSetByPost) {
  EXPECT_EQ(Ask("POST", "/logging?level=loud").status, 400);
  EXPECT_EQ(Ask("POST", "/logging?no_such_component=debug").status, 400);
  const AdminReply reply = Ask("POST", "/logging?level=error");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.rfind("active loggers:\n", 0), 0u);
  Ask("POST", "/logging?level=info");
}

TEST(AdminRequest, DecodesItsQuery) {
  const AdminRequest request = ParseAdminRequest("GET", "/explain?url=http%3A%2F%2Fh%2F%3Fa&b&c=d+e&%zz=%4");
  EXPECT_EQ(request.path, "/explain");
  EXPECT_EQ(request.Get("url"), "http://h/?a");
  EXPECT_TRUE(request.Has("b"));
  EXPECT_EQ(request.Get("c"), "d e");
  EXPECT_EQ(request.Get("%zz"), "%4");
  EXPECT_FALSE(request.Has("d"));
}

TEST(HtmlEscape, LeavesNoMarkup) {
  EXPECT_EQ(HtmlEscape("<a href='\"&\"'>"), "&lt;a href=&#39;&quot;&amp;&quot;&#39;&gt;");
}

}  // namespace
}  // namespace narthex
