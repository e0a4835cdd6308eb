#include "source/manager/explain.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/manager/hcm_fixture.h"

namespace narthex {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

ExchangeExplanation Explain(const CompiledHcm& hcm, std::string_view url, std::string method = "GET",
                            Headers headers = {}) {
  ExchangeQuestion question;
  absl::StatusOr<ExplainUrl> parsed = ExplainUrl::Parse(url);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  if (parsed.ok()) question.url = *std::move(parsed);
  question.method = std::move(method);
  question.headers = std::move(headers);
  question.client = *Address::Ip("203.0.113.9", 1);
  question.local = *Address::Ip("192.0.2.1", 8080);
  return ExplainExchange(*hcm, question);
}

TEST(Explain, SaysWhereARequestGoesAndWhy) {
  CompiledHcm hcm("", Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  ExchangeExplanation answer = Explain(hcm, "http://a.test/x/../shop");
  EXPECT_EQ(answer.cluster, "products");
  EXPECT_EQ(answer.status, 0);
  std::string text = answer.ToText();
  for (const char* part :
       {"/shop, normalised from /x/../shop", "address 203.0.113.9, external", "router: on", "products",
        "request_headers_timeout: 10s (default of the edge profile)", "route timeout: 15s"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Explain, SaysWhoAnswersWhenTheRequestGoesNowhere) {
  CompiledHcm hcm("", Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  EXPECT_EQ(Explain(hcm, "http://a.test/missing/x").status, 410);
  ExchangeExplanation unknown = Explain(hcm, "http://b.test/");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.ToText().find("route_not_found"), std::string::npos);
  ExchangeExplanation redirected = Explain(hcm, "http://a.test/a%2Fb");
  EXPECT_EQ(redirected.status, 307);
  EXPECT_NE(redirected.ToText().find("redirected to /a/b"), std::string::npos);
}

TEST(Explain, AnswersAsTheCodecDoes) {
  CompiledHcm hcm("", Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  struct Case {
    std::string method, url;
    Headers headers;
    int status;
    std::string detail;
  };
  const std::string url = "http://a.test/x";
  for (const Case& refused :
       {Case{"GET", "http://user@a.test/x", {}, 400, "http1.host_invalid"},
        Case{"GET", "http://a.test:99999/", {}, 400, "http1.host_invalid"},
        Case{"CONNECT", url, {}, 400, "http1.invalid_target"},
        Case{"G(T", url, {}, 400, "http1.invalid_method"}, Case{"G T", url, {}, 400, "http1.invalid_version"},
        Case{"GET", "/a#b", {}, 400, "http1.invalid_target"},
        Case{"GET", url, {{"Transfer-Encoding", "x"}}, 501, "transfer_encoding_unknown"},
        Case{"GET", url, {{"a b", "c"}}, 400, "http1.invalid_field_name"},
        Case{"GET", url, {{"host", "a"}, {"host", "b"}}, 400, "http1.host_repeated"},
        Case{"GET", url, Headers(101, {"a", "b"}), 431, "http1.too_many_headers"}}) {
    const ExchangeExplanation answer = Explain(hcm, refused.url, refused.method, refused.headers);
    const std::string text = answer.ToText();
    EXPECT_EQ(answer.status, refused.status) << text;
    EXPECT_NE(text.find(refused.detail + ", by the codec"), std::string::npos) << text;
    EXPECT_EQ(answer.cluster, "") << text;
  }
}

TEST(Explain, FollowsAUrlAsAClientSendsIt) {
  CompiledHcm hcm("");
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  const std::string fragment = Explain(hcm, "http://a.test/shop#top").ToText();
  EXPECT_NE(fragment.find("#top is not sent"), std::string::npos) << fragment;
  EXPECT_NE(fragment.find("/shop (unchanged)"), std::string::npos) << fragment;
  EXPECT_EQ(Explain(hcm, "http://a.test?q").cluster, "products");
  EXPECT_EQ(Explain(hcm, "/", "GET", {{"Host", "a.test"}}).cluster, "products");
  const ExchangeExplanation path = Explain(hcm, "/");
  EXPECT_NE(path.ToText().find("host 192.0.2.1:8080, the listener's address"), std::string::npos);
  EXPECT_EQ(path.status, 404);
  EXPECT_EQ(Explain(hcm, "*", "OPTIONS", {{"host", "a.test"}}).status, 404);
}

constexpr std::string_view kConnectRoutes = R"(
route_config:
  validate_clusters: false
  virtual_hosts:
  - name: main
    domains: ["*"]
    routes:
    - match: {connect_matcher: {}, headers: [{name: x-ends, present_match: true}]}
      route: {cluster: raw, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}
    - match: {connect_matcher: {}, headers: [{name: x-off, present_match: true}]}
      route: {cluster: off, upgrade_configs: [{upgrade_type: CONNECT, enabled: false}]}
    - match: {connect_matcher: {}}
      route: {cluster: proxy}
    - match: {prefix: /}
      route: {cluster: products}
upgrade_configs: [{upgrade_type: CONNECT}]
)";

TEST(Explain, SaysWhatBecomesOfATunnel) {
  CompiledHcm hcm(kConnectRoutes, Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  const auto ask = [&](Headers headers) {
    ExchangeQuestion question;
    question.method = "CONNECT";
    question.url = ExplainUrl::OfConnect("a.test:443");
    question.headers = std::move(headers);
    question.client = *Address::Ip("203.0.113.9", 1);
    question.local = *Address::Ip("192.0.2.1", 8080);
    return ExplainExchange(*hcm, question);
  };
  EXPECT_EQ(ask({}).cluster, "proxy");
  EXPECT_NE(ask({}).ToText().find("CONNECT: passed on"), std::string::npos) << ask({}).ToText();
  const ExchangeExplanation ends = ask({{"x-ends", "1"}});
  EXPECT_EQ(ends.cluster, "raw");
  EXPECT_NE(ends.ToText().find("CONNECT: ends here"), std::string::npos) << ends.ToText();
  const ExchangeExplanation off = ask({{"x-off", "1"}});
  EXPECT_EQ(off.status, 403);
  EXPECT_NE(off.ToText().find("upgrade_failed"), std::string::npos) << off.ToText();
  const std::string upgrade =
      Explain(hcm, "http://a.test/", "GET", {{"connection", "upgrade"}, {"upgrade", "websocket"}}).ToText();
  EXPECT_NE(upgrade.find("the request goes on without"), std::string::npos) << upgrade;
  EXPECT_NE(upgrade.find("connect_matcher takes CONNECT alone"), std::string::npos) << upgrade;
}

TEST(ExplainUrl, SaysWhatIsNoUrl) {
  for (const char* url : {"", "notaurl", "ftp://a.test/", "http:///x", "://a"}) {
    EXPECT_FALSE(ExplainUrl::Parse(url).ok()) << url;
  }
  EXPECT_EQ(ExplainUrl::Parse("HTTPS://a.test/")->port, 443);
  EXPECT_EQ(ExplainUrl::Parse("http://[::1]/")->port, 80);
  EXPECT_EQ(ExplainUrl::Parse("http://[::1]:81/")->port, 81);
  EXPECT_EQ(ExplainUrl::Parse("http://a.test:8x/")->port, std::nullopt);
}

TEST(Explain, JsonEscapesWhatTheRequestBrings) {
  CompiledHcm hcm("");
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  std::string json = Explain(hcm, "http://a.test/\"q\"").ToJson();
  EXPECT_NE(json.find(R"(/\"q\" (unchanged))"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("cluster":"products","status":0})"), std::string::npos) << json;
}

}  // namespace
}  // namespace narthex
