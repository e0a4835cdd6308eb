#include "source/server/lint_clusters.h"

#include <memory>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/dynamic_message.h"

namespace narthex {

namespace {

using envoy::config::cluster::v3::Cluster;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Fields that hold a cluster's name, beside those called "cluster" and "cluster_name".
bool NamesCluster(const FieldDescriptor& field) {
  const std::string& message = field.containing_type()->name();
  if (field.name() == "cluster" || field.name() == "cluster_name") return true;
  if (field.name() == "name") return message == "ClusterWeight";
  return field.name() == "key" && message == "ClusterMinHealthyPercentagesEntry";
}

// `index` is -1 for a field that is not repeated.
void CollectField(const Message& message, const FieldDescriptor& field, int index, NamedClusters& into) {
  const auto& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    CollectClusters(index < 0 ? reflection.GetMessage(message, &field)
                              : reflection.GetRepeatedMessage(message, &field, index),
                    into);
    return;
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING || index >= 0) return;
  if (NamesCluster(field)) into.names.insert(reflection.GetString(message, &field));
  if (field.name() == "cluster_header") into.dynamic = true;
}

bool HasHost(const Cluster& cluster) {
  for (const auto& locality : cluster.load_assignment().endpoints()) {
    if (!locality.lb_endpoints().empty()) return true;
  }
  return false;
}

}  // namespace

void CollectClusters(const Message& message, NamedClusters& into) {
  if (const auto* any = dynamic_cast<const google::protobuf::Any*>(&message)) {
    const std::string name = any->type_url().substr(any->type_url().rfind('/') + 1);
    const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    if (type == nullptr) return;
    const std::unique_ptr<Message> inside(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    if (inside->ParseFromString(any->value())) CollectClusters(*inside, into);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 0;
    if (!field->is_repeated()) CollectField(message, *field, -1, into);
    for (int i = 0; i < size; ++i) CollectField(message, *field, i, into);
  }
}

void LintClusters(const ConfigFiles& files, const NamedClusters& named, Diagnostics& diagnostics) {
  for (const auto& placed : files.clusters) {
    const std::string& name = placed.message->name();
    if (!named.dynamic && !named.names.contains(name)) {
      diagnostics.Warning(placed.path, "cluster \"" + name + "\" is used by nothing");
    }
    if (!HasHost(*placed.message)) {
      diagnostics.Warning(placed.path.Field("load_assignment"),
                          "cluster \"" + name + "\" has no host: every request to it fails");
    }
  }
}

}  // namespace narthex
