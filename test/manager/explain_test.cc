#include "source/manager/explain.h"

#include <string>

#include "gtest/gtest.h"
#include "test/manager/hcm_fixture.h"

namespace narthex {
namespace {

ExchangeExplanation Explain(const CompiledHcm& hcm, std::string_view url) {
  ExchangeQuestion question;
  question.url = url;
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

TEST(Explain, JsonEscapesWhatTheRequestBrings) {
  CompiledHcm hcm("");
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  std::string json = Explain(hcm, "http://a.test/\"q\"").ToJson();
  EXPECT_NE(json.find(R"(/\"q\" (unchanged))"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("cluster":"products","status":0})"), std::string::npos) << json;
}

}  // namespace
}  // namespace narthex
