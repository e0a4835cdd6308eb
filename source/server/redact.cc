#include "source/server/redact.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/any.pb.h"

namespace narthex {

namespace {

using envoy::config::core::v3::DataSource;
using google::protobuf::Any;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kSecretFields[] = {
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.private_key",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.password",
    "envoy.extensions.transport_sockets.tls.v3.TlsCertificate.pkcs12",
    "envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys.keys",
};

void HideSource(DataSource& source) {
  constexpr char kHidden[] = "[redacted]";
  if (source.has_inline_string()) source.set_inline_string(kHidden);
  if (source.has_inline_bytes()) source.set_inline_bytes(kHidden);
}

void Hide(Message& message) {
  if (auto* source = dynamic_cast<DataSource*>(&message)) HideSource(*source);
}

void RedactAny(Any& any) {
  const std::string& url = any.type_url();
  const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      url.substr(url.rfind('/') + 1));
  if (type == nullptr) return;
  const std::unique_ptr<Message> inner(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (!any.UnpackTo(inner.get())) return;
  RedactSecrets(*inner);
  any.PackFrom(*inner);
}

void RedactField(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const bool secret = std::find(std::begin(kSecretFields), std::end(kSecretFields), field.full_name()) !=
                      std::end(kSecretFields);
  const auto visit = [secret](Message& inner) { secret ? Hide(inner) : RedactSecrets(inner); };
  if (!field.is_repeated()) return visit(*reflection.MutableMessage(&message, &field));
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    visit(*reflection.MutableRepeatedMessage(&message, &field, i));
  }
}

}  // namespace

void RedactSecrets(Message& message) {
  if (auto* any = dynamic_cast<Any*>(&message)) return RedactAny(*any);
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) RedactField(message, *field);
  }
}

}  // namespace narthex
