#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "validate/validate.pb.h"

namespace narthex {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::MessageFactory;

const Descriptor* FindMessage(const std::string& name) {
  return DescriptorPool::generated_pool()->FindMessageTypeByName(name);
}

void CollectNames(const DescriptorProto& message, const std::string& scope, std::vector<std::string>& names) {
  std::string name = scope + "." + message.name();
  for (const DescriptorProto& nested : message.nested_type()) CollectNames(nested, name, names);
  if (!message.options().map_entry()) names.push_back(std::move(name));
}

// The full names of the messages of one proto_library, read from its descriptor set.
std::vector<std::string> MessagesOf(const std::string& library) {
  std::string path = std::string(std::getenv("TEST_SRCDIR")) + "/" + std::getenv("TEST_WORKSPACE") + "/api/" +
                     library + "-descriptor-set.proto.bin";
  std::ifstream in(path, std::ios::binary);
  FileDescriptorSet set;
  EXPECT_TRUE(in && set.ParseFromIstream(&in)) << path;
  std::vector<std::string> names;
  for (const FileDescriptorProto& file : set.file()) {
    for (const DescriptorProto& message : file.message_type()) CollectNames(message, file.package(), names);
  }
  return names;
}

// The rules of a field, empty when there are none; fails when there is no such field.
validate::FieldRules RulesOf(const std::string& message, const std::string& field) {
  const Descriptor* descriptor = FindMessage(message);
  const FieldDescriptor* found = descriptor == nullptr ? nullptr : descriptor->FindFieldByName(field);
  EXPECT_NE(found, nullptr) << message << "." << field;
  return found == nullptr ? validate::FieldRules() : found->options().GetExtension(validate::rules);
}

class ApiLibrary : public testing::TestWithParam<const char*> {};

TEST_P(ApiLibrary, HasEveryMessageInTheGeneratedPool) {
  std::vector<std::string> names = MessagesOf(GetParam());
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    const Descriptor* descriptor = FindMessage(name);
    ASSERT_NE(descriptor, nullptr) << name;
    EXPECT_NE(MessageFactory::generated_factory()->GetPrototype(descriptor), nullptr) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ApiLibrary,
                         testing::Values("validate_proto", "core_proto", "route_proto", "config_proto",
                                         "extensions_proto"));

TEST(ApiRules, OfStrings) {
  EXPECT_EQ(RulesOf("envoy.config.cluster.v3.Cluster", "name").string().min_len(), 1u);
  validate::FieldRules key = RulesOf("envoy.config.core.v3.HeaderValue", "key");
  EXPECT_EQ(key.string().max_bytes(), 16384u);
  EXPECT_EQ(key.string().well_known_regex(), validate::HTTP_HEADER_NAME);
  EXPECT_TRUE(key.string().has_strict());
  EXPECT_FALSE(key.string().strict());
  EXPECT_EQ(RulesOf("envoy.config.route.v3.RouteMatch", "path_separated_prefix").string().pattern(),
            "^[^?#]+[^?#/]$");
}

TEST(ApiRules, OfNumbersAndTheirWrappers) {
  EXPECT_EQ(RulesOf("envoy.config.core.v3.SocketAddress", "port_value").uint32().lte(), 65535u);
  EXPECT_EQ(RulesOf("envoy.config.core.v3.CidrRange", "prefix_len").uint32().lte(), 128u);
  EXPECT_EQ(RulesOf("envoy.type.v3.Percent", "value").double_().lte(), 100.0);
}

TEST(ApiRules, OfDurations) {
  EXPECT_TRUE(RulesOf("envoy.config.cluster.v3.Cluster", "connect_timeout").duration().has_gt());
  validate::FieldRules flush = RulesOf("envoy.config.bootstrap.v3.Bootstrap", "stats_flush_interval");
  EXPECT_EQ(flush.duration().lt().seconds(), 300);
  EXPECT_EQ(flush.duration().gte().nanos(), 1'000'000);
}

TEST(ApiRules, OfRepeatedFieldsAndMaps) {
  validate::FieldRules domains = RulesOf("envoy.config.route.v3.VirtualHost", "domains");
  EXPECT_EQ(domains.repeated().min_items(), 1u);
  EXPECT_EQ(domains.repeated().items().string().well_known_regex(), validate::HTTP_HEADER_VALUE);
  EXPECT_EQ(RulesOf("envoy.config.core.v3.Metadata", "filter_metadata").map().keys().string().min_len(), 1u);
  EXPECT_EQ(
      RulesOf("envoy.config.accesslog.v3.ResponseFlagFilter", "flags").repeated().items().string().in(0),
      "LH");
}

TEST(ApiRules, OfMessagesEnumsAndAny) {
  EXPECT_TRUE(RulesOf("envoy.config.route.v3.Route", "match").message().required());
  EXPECT_TRUE(RulesOf("envoy.config.core.v3.TypedExtensionConfig", "typed_config").any().required());
  EXPECT_TRUE(RulesOf("envoy.config.cluster.v3.Cluster", "type").enum_().defined_only());
  EXPECT_EQ(RulesOf("envoy.type.v3.HttpStatus", "code").enum_().not_in(0), 0);
}

TEST(ApiRules, OfOneofs) {
  const Descriptor* route = FindMessage("envoy.config.route.v3.Route");
  ASSERT_NE(route, nullptr);
  EXPECT_TRUE(route->FindOneofByName("action")->options().GetExtension(validate::required));
  const Descriptor* matcher = FindMessage("envoy.config.route.v3.HeaderMatcher");
  ASSERT_NE(matcher, nullptr);
  EXPECT_FALSE(
      matcher->FindOneofByName("header_match_specifier")->options().GetExtension(validate::required));
}

TEST(ApiRules, NoneWhereThereAreNone) {
  EXPECT_EQ(RulesOf("envoy.config.core.v3.Node", "id").type_case(), validate::FieldRules::TYPE_NOT_SET);
}

TEST(Api, MarksDeprecatedFields) {
  const Descriptor* matcher = FindMessage("envoy.config.route.v3.HeaderMatcher");
  ASSERT_NE(matcher, nullptr);
  EXPECT_TRUE(matcher->FindFieldByName("exact_match")->options().deprecated());
  EXPECT_FALSE(matcher->FindFieldByName("string_match")->options().deprecated());
}

TEST(Api, LeavesOutWhatIsNotSupported) {
  EXPECT_EQ(FindMessage("envoy.config.trace.v3.Tracing"), nullptr);
  EXPECT_EQ(FindMessage("envoy.config.cluster.v3.Cluster")->FindFieldByName("lrs_server"), nullptr);
}

}  // namespace
}  // namespace narthex
