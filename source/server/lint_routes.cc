#include "source/server/lint_routes.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "envoy/config/route/v3/route_components.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/dynamic_message.h"

namespace narthex {

namespace {

using envoy::config::route::v3::Route;
using envoy::config::route::v3::RouteMatch;
using envoy::config::route::v3::VirtualHost;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool CaseSensitive(const RouteMatch& match) {
  return !match.has_case_sensitive() || match.case_sensitive().value();
}

// Whether the path is all that a match looks at.
bool OnlyPath(const RouteMatch& match) {
  RouteMatch rest = match;
  rest.clear_prefix();
  rest.clear_path();
  rest.clear_safe_regex();
  rest.clear_path_separated_prefix();
  rest.clear_case_sensitive();
  return rest.ByteSizeLong() == 0;
}

// The text that every path of the match begins with; nothing for an expression.
std::optional<std::string> LiteralOf(const RouteMatch& match) {
  if (match.has_prefix()) return match.prefix();
  if (match.has_path()) return match.path();
  if (match.has_path_separated_prefix()) return match.path_separated_prefix();
  return std::nullopt;
}

// Routes seen so far that take every request of their path, by the kind of path. Finding one costs a look-up
// for each byte of a path, however many routes there are.
class Takers {
 public:
  void Add(const RouteMatch& match, int index) {
    if (!OnlyPath(match)) return;
    Kinds& kinds = CaseSensitive(match) ? exact_case_ : any_case_;
    const auto key = [&](const std::string& text) { return CaseSensitive(match) ? text : Lower(text); };
    if (match.has_prefix()) kinds.prefixes.emplace(key(match.prefix()), index);
    if (match.has_path()) kinds.paths.emplace(key(match.path()), index);
    if (match.has_path_separated_prefix()) kinds.segments.emplace(key(match.path_separated_prefix()), index);
    if (match.has_safe_regex()) kinds.expressions.emplace(match.safe_regex().regex(), index);
  }

  // The first route that takes everything that `match` would; -1 when there is none.
  int Find(const RouteMatch& match) const {
    int found = FindIn(any_case_, match, /*lower=*/true);
    if (CaseSensitive(match)) found = Earlier(found, FindIn(exact_case_, match, /*lower=*/false));
    return found;
  }

 private:
  using Paths = std::map<std::string, int, std::less<>>;
  struct Kinds {
    Paths prefixes, paths, segments, expressions;
  };

  static int Earlier(int left, int right) {
    if (left < 0 || right < 0) return std::max(left, right);
    return std::min(left, right);
  }
  static int At(const Paths& paths, std::string_view key) {
    const auto found = paths.find(key);
    return found == paths.end() ? -1 : found->second;
  }

  static int FindIn(const Kinds& kinds, const RouteMatch& match, bool lower) {
    if (match.has_safe_regex()) return At(kinds.expressions, match.safe_regex().regex());
    std::optional<std::string> literal = LiteralOf(match);
    if (!literal) return -1;
    const std::string text = lower ? Lower(*literal) : *literal;
    int found = match.has_path() ? At(kinds.paths, text) : -1;
    for (size_t length = 0; length <= text.size(); ++length) {
      const std::string_view begin = std::string_view(text).substr(0, length);
      found = Earlier(found, At(kinds.prefixes, begin));
      const bool whole = length == text.size();
      // A prefix "/a" also takes "/ab", which the segment "/a" leaves alone.
      if (whole ? !match.has_prefix() : text[length] == '/')
        found = Earlier(found, At(kinds.segments, begin));
    }
    return found;
  }

  Kinds exact_case_, any_case_;
};

std::string Witness(const VirtualHost& host, const RouteMatch& match) {
  std::string domain = host.domains_size() > 0 ? host.domains(0) : "host";
  if (domain == "*") domain = "any.example";
  if (domain.starts_with("*")) domain = "x" + domain.substr(1);
  if (domain.ends_with("*")) domain = domain.substr(0, domain.size() - 1) + "example";
  return "GET http://" + domain + LiteralOf(match).value_or("/...");
}

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

void LintTimeouts(const Route& route, const ConfigPath& path, Diagnostics& diagnostics) {
  if (!route.has_route() || !route.route().has_idle_timeout()) return;
  // Envoy's default of `timeout` is 15 s.
  const double timeout = route.route().has_timeout() ? Seconds(route.route().timeout()) : 15;
  const double idle = Seconds(route.route().idle_timeout());
  if (idle <= 0 || timeout <= 0 || idle <= timeout) return;
  diagnostics.Warning(path.Field("route").Field("idle_timeout"),
                      "never strikes: the route's timeout is shorter and ends the exchange first");
}

void CollectField(const Message& message, const FieldDescriptor& field, int index, NamedClusters& into) {
  const auto& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    CollectClusters(index < 0 ? reflection.GetMessage(message, &field)
                              : reflection.GetRepeatedMessage(message, &field, index),
                    into);
    return;
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING || index >= 0) return;
  const std::string value = reflection.GetString(message, &field);
  const bool weight = message.GetDescriptor()->name() == "ClusterWeight" && field.name() == "name";
  if (field.name() == "cluster" || field.name() == "cluster_name" || weight) into.names.insert(value);
  if (field.name() == "cluster_header") into.dynamic = true;
}

}  // namespace

void LintVirtualHost(const VirtualHost& host, const ConfigPath& path, Diagnostics& diagnostics) {
  Takers takers;
  const ConfigPath routes = path.Field("routes");
  for (int i = 0; i < host.routes_size(); ++i) {
    const RouteMatch& match = host.routes(i).match();
    const int taker = takers.Find(match);
    if (taker >= 0) {
      diagnostics.Warning(routes.Index(i), "no request reaches this route: the one at " +
                                               routes.Index(taker).Origin().Position() +
                                               " takes them all, such as " + Witness(host, match));
    }
    LintTimeouts(host.routes(i), routes.Index(i), diagnostics);
    takers.Add(match, i);
  }
}

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

}  // namespace narthex
