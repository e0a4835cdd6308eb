#include "source/manager/hcm_config.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "source/router/compiled_route.h"
#include "test/manager/hcm_fixture.h"

namespace narthex {
namespace {

using std::chrono::milliseconds;

void ExpectError(std::string_view fields, std::string_view text) {
  CompiledHcm hcm(fields);
  EXPECT_EQ(hcm.config(), nullptr);
  EXPECT_NE(hcm.errors().find(text), std::string::npos) << hcm.errors();
}

TEST(HcmConfig, TheEdgeProfileIsSafeWhereNothingIsWritten) {
  CompiledHcm hcm("", Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  EXPECT_TRUE((*hcm).client_address.use_remote_address);
  EXPECT_TRUE((*hcm).path.normalize);
  EXPECT_TRUE((*hcm).path.merge_slashes);
  EXPECT_EQ((*hcm).path.escaped_slashes, EscapedSlashes::kRedirect);
  EXPECT_EQ((*hcm).headers.underscores, UnderscorePolicy::kReject);
  EXPECT_EQ((*hcm).codec.request_headers_timeout, milliseconds(10'000));
  EXPECT_EQ((*hcm).codec.request_timeout, milliseconds(300'000));
  EXPECT_EQ((*hcm).codec.buffer_limit, 32768u);
}

TEST(HcmConfig, TheEnvoyProfileHasEnvoysDefaults) {
  CompiledHcm hcm("", Profile::kEnvoy);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  EXPECT_FALSE((*hcm).client_address.use_remote_address);
  EXPECT_FALSE((*hcm).path.normalize);
  EXPECT_EQ((*hcm).path.escaped_slashes, EscapedSlashes::kKeep);
  EXPECT_EQ((*hcm).headers.underscores, UnderscorePolicy::kAllow);
  EXPECT_EQ((*hcm).codec.request_timeout, milliseconds(0));
  EXPECT_EQ((*hcm).codec.idle_timeout, milliseconds(3600'000));
  EXPECT_EQ((*hcm).headers.server_name, "envoy");
}

TEST(HcmConfig, WhatIsWrittenWinsOverTheProfileEvenWhenItIsTheProtosZero) {
  CompiledHcm hcm(
      "merge_slashes: false\n"
      "normalize_path: false\n"
      "request_timeout: 0s\n"
      "common_http_protocol_options: {headers_with_underscores_action: ALLOW, idle_timeout: 60s}\n",
      Profile::kEdge);
  ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
  EXPECT_FALSE((*hcm).path.merge_slashes);
  EXPECT_FALSE((*hcm).path.normalize);
  EXPECT_EQ((*hcm).codec.request_timeout, milliseconds(0));
  EXPECT_EQ((*hcm).codec.idle_timeout, milliseconds(60'000));
  EXPECT_EQ((*hcm).headers.underscores, UnderscorePolicy::kAllow);
  bool found = false;
  for (const Setting& setting : (*hcm).settings) {
    if (setting.name != "merge_slashes") continue;
    found = true;
    EXPECT_TRUE(setting.below_edge);
    EXPECT_TRUE(setting.origin.starts_with("hcm.yaml:2:")) << setting.origin;
  }
  EXPECT_TRUE(found);
}

TEST(HcmConfig, EachProtocolMaySayByItselfWhatFollowsAMalformedRequest) {
  constexpr std::string_view kBoth = "stream_error_on_invalid_http_message: true\n";
  CompiledHcm none("", Profile::kEnvoy), both(kBoth, Profile::kEnvoy);
  ASSERT_NE(both.config(), nullptr) << both.errors();
  EXPECT_FALSE((*none).codec.keep_after_bad_request);
  EXPECT_FALSE((*none).codec.http2.stream_error_on_invalid_http_message);
  EXPECT_TRUE((*both).codec.keep_after_bad_request);
  EXPECT_TRUE((*both).codec.http2.stream_error_on_invalid_http_message);
  CompiledHcm apart(std::string(kBoth) +
                        "http_protocol_options: {override_stream_error_on_invalid_http_message: false}\n"
                        "http2_protocol_options: {override_stream_error_on_invalid_http_message: false}\n",
                    Profile::kEnvoy);
  ASSERT_NE(apart.config(), nullptr) << apart.errors();
  EXPECT_FALSE((*apart).codec.keep_after_bad_request);
  EXPECT_FALSE((*apart).codec.http2.stream_error_on_invalid_http_message);
}

TEST(HcmConfig, TheLastFilterMustAnswerAndOnlyTheLast) {
  constexpr std::string_view kBuffer =
      "{name: buffer, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 9}}";
  constexpr std::string_view kRouter =
      "{name: router, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
  auto list = [](std::string_view a, std::string_view b) {
    return "http_filters: [" + std::string(a) + "," + std::string(b) + "]\n";
  };
  ExpectError("http_filters: []\n", "the last filter must be one that answers");
  ExpectError("http_filters: [" + std::string(kBuffer) + "]\n", "http_filters[0]: the last filter must be");
  ExpectError(list(kRouter, kBuffer), "must be the last one");
  ExpectError(list(kRouter, kRouter), "another filter has the name");
  CompiledHcm good(list(kBuffer, kRouter));
  EXPECT_NE(good.config(), nullptr) << good.errors();
}

TEST(HcmConfig, UpgradedRequestsMayHaveFiltersOfTheirOwn) {
  constexpr std::string_view kBuffer =
      "{name: buffer, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 9}}";
  constexpr std::string_view kRouter =
      "typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
  const auto with = [&](const std::string& filters) {
    return "http_filters: [{name: router, " + std::string(kRouter) +
           "]\nupgrade_configs: [{upgrade_type: a}, {upgrade_type: b, filters: [" + filters + "]}]\n";
  };
  CompiledHcm good(with(std::string(kBuffer) + ", {name: router, " + std::string(kRouter)));
  ASSERT_NE(good.config(), nullptr) << good.errors();
  EXPECT_EQ((*good).upgrades.Find("a")->chain, std::nullopt);
  EXPECT_EQ((*good).upgrades.Find("B")->chain, 0u);
  ASSERT_EQ((*good).upgrade_filters.size(), 1u);
  EXPECT_EQ((*good).upgrade_filters[0].size(), 2u);
  EXPECT_EQ((*good).no_route->chain->size(), 1u);
  EXPECT_EQ((*good).no_route->upgrade_chains->at(0)->size(), 2u);
  ExpectError(with(std::string(kBuffer)), "upgrade_configs[1].filters[0]: the last filter must be");
  ExpectError(with("{name: buffer, " + std::string(kRouter) + ", " + std::string(kBuffer)),
              "another filter has the name");
  // One name is one type, or what routes say to it would mean two things.
  ExpectError(with("{name: router, " + std::string(kBuffer).substr(std::string("{name: buffer, ").size()) +
                   ", {name: last, " + std::string(kRouter)),
              "the filter of http_filters with the name \"router\" is of another type");
}

TEST(HcmConfig, AMessageThatIsNoFilterIsAnErrorWithASuggestion) {
  ExpectError(
      "http_filters:\n- name: b\n  typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: true}\n",
      "did you mean \"envoy.extensions.filters.http.buffer.v3.Buffer\"");
}

TEST(HcmConfig, RefusesWhatItDoesNotServe) {
  ExpectError("codec_type: HTTP3\n", "HTTP/3 is not supported");
  ExpectError(
      "use_remote_address: true\noriginal_ip_detection_extensions:\n- name: xff\n  typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig}\n",
      "can't be used together with use_remote_address");
}

// Where a test may write.
std::string Temporary(std::string_view name, std::string_view text) {
  std::string file = std::string(std::getenv("TEST_TMPDIR")) + "/" + std::string(name);
  std::ofstream(file) << text;
  return file;
}

TEST(HcmConfig, ReadsARouteTableFromAFileInEitherForm) {
  std::string bare = Temporary("bare.yaml", "name: shop\nvirtual_hosts: []\n");
  std::string listed = Temporary("listed.yaml",
                                 "resources:\n- \"@type\": type.googleapis.com/"
                                 "envoy.config.route.v3.RouteConfiguration\n  name: shop\n");
  for (const std::string& file : {bare, listed}) {
    CompiledHcm hcm("rds: {route_config_name: shop, config_source: {path_config_source: {path: " + file +
                    "}}}\n");
    ASSERT_NE(hcm.config(), nullptr) << hcm.errors();
    EXPECT_EQ((*hcm).routes->name(), "shop");
    EXPECT_EQ((*hcm).watched_files, std::vector<std::string>{file});
  }
  ExpectError("rds: {route_config_name: shp, config_source: {path_config_source: {path: " + listed + "}}}\n",
              "did you mean \"shop\"");
}

}  // namespace
}  // namespace narthex
