#include "source/server/route_takers.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "envoy/config/route/v3/route_components.pb.h"
#include "re2/re2.h"

namespace narthex {

namespace {

using envoy::config::route::v3::RouteMatch;
using Index = std::map<std::string, int, std::less<>>;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool CaseSensitive(const RouteMatch& match) {
  return !match.has_case_sensitive() || match.case_sensitive().value();
}

int Earlier(int left, int right) {
  if (left < 0 || right < 0) return std::max(left, right);
  return std::min(left, right);
}

int At(const Index& index, std::string_view key) {
  const auto found = index.find(key);
  return found == index.end() ? -1 : found->second;
}

// An expression that takes every path.
bool TakesEverything(const std::string& expression) {
  return expression == ".*" || expression == "/.*" || expression == "^.*$" || expression == "^/.*$" ||
         expression == "^/.*" || expression == "^.*";
}

template <class Matchers>
void AddConditions(const Matchers& matchers, char kind, std::set<std::string>& into) {
  for (const auto& matcher : matchers) into.insert(kind + matcher.SerializeAsString());
}

// What a match asks beside the path, one text a condition.
std::vector<std::string> ConditionsOf(const RouteMatch& match) {
  std::set<std::string> conditions;
  AddConditions(match.headers(), 'h', conditions);
  AddConditions(match.query_parameters(), 'q', conditions);
  AddConditions(match.cookies(), 'c', conditions);
  AddConditions(match.dynamic_metadata(), 'm', conditions);
  return {conditions.begin(), conditions.end()};
}

// Whether there is nothing in a match but its path and ConditionsOf. (A share of the requests, for one, takes
// not all of them.)
bool IsKnown(const RouteMatch& match) {
  RouteMatch rest = match;
  rest.clear_prefix();
  rest.clear_path();
  rest.clear_safe_regex();
  rest.clear_path_separated_prefix();
  rest.clear_connect_matcher();
  rest.clear_case_sensitive();
  rest.clear_headers();
  rest.clear_query_parameters();
  rest.clear_cookies();
  rest.clear_dynamic_metadata();
  return rest.ByteSizeLong() == 0;
}

std::string Key(const std::vector<std::string>& conditions, uint32_t chosen) {
  std::string key;
  for (size_t i = 0; i < conditions.size(); ++i) {
    if ((chosen >> i & 1) == 0) continue;
    key += std::to_string(conditions[i].size()) + ":" + conditions[i];
  }
  return key;
}

constexpr size_t kMaxConditions = 6;    // further ones of a later route are not looked at
constexpr size_t kMaxExpressions = 64;  // of one set of conditions, tried on exact paths

// Indexes of routes by path, of one case sensitivity.
struct Kinds {
  Index prefixes, paths, segments, expressions;
  std::vector<std::pair<int, std::unique_ptr<RE2>>> compiled;
};

int FindExpression(const Kinds& kinds, const RouteMatch& match) {
  if (match.has_safe_regex()) return At(kinds.expressions, match.safe_regex().regex());
  if (!match.has_path()) return -1;
  for (const auto& [index, expression] : kinds.compiled) {
    if (RE2::FullMatch(match.path(), *expression)) return index;
  }
  return -1;
}

int FindIn(const Kinds& kinds, const RouteMatch& match, bool lower) {
  const int expression = FindExpression(kinds, match);
  const std::optional<std::string> literal = LiteralOf(match);
  if (!literal) return expression;
  const std::string text = lower ? Lower(*literal) : *literal;
  // What may follow the text is anything for a prefix and an expression, and a segment's end for a segment.
  const bool open = match.has_prefix() || match.has_safe_regex();
  int found = Earlier(expression, match.has_path() ? At(kinds.paths, text) : -1);
  for (size_t length = 0; length <= text.size(); ++length) {
    const std::string_view begin = std::string_view(text).substr(0, length);
    found = Earlier(found, At(kinds.prefixes, begin));
    // A prefix "/a" also takes "/ab", which the segment "/a" leaves alone.
    const bool ends_segment = length == text.size() ? !open : text[length] == '/';
    if (ends_segment) found = Earlier(found, At(kinds.segments, begin));
  }
  return found;
}

}  // namespace

std::optional<std::string> LiteralOf(const RouteMatch& match) {
  if (match.has_prefix()) return match.prefix();
  if (match.has_path()) return match.path();
  if (match.has_path_separated_prefix()) return match.path_separated_prefix();
  if (!match.has_safe_regex()) return std::nullopt;
  const RE2 expression(match.safe_regex().regex(), RE2::Quiet);
  std::string least, greatest;
  constexpr int kLength = 256;
  if (!expression.ok() || !expression.PossibleMatchRange(&least, &greatest, kLength)) return std::nullopt;
  const auto differ = std::mismatch(least.begin(), least.end(), greatest.begin(), greatest.end());
  return std::string(least.begin(), differ.first);
}

// The routes of one set of conditions.
class RouteTakers::Paths {
 public:
  void Add(const RouteMatch& match, int index) {
    if (match.has_connect_matcher()) {
      if (connect_ < 0) connect_ = index;
      return;
    }
    Kinds& kinds = CaseSensitive(match) ? exact_case_ : any_case_;
    const auto key = [&](const std::string& text) { return CaseSensitive(match) ? text : Lower(text); };
    if (match.has_prefix()) kinds.prefixes.emplace(key(match.prefix()), index);
    if (match.has_path()) kinds.paths.emplace(key(match.path()), index);
    if (match.has_path_separated_prefix()) kinds.segments.emplace(key(match.path_separated_prefix()), index);
    if (match.has_safe_regex()) AddExpression(match.safe_regex().regex(), index, kinds);
  }

  int Find(const RouteMatch& match) const {
    if (match.has_connect_matcher()) return connect_;
    int found = FindIn(any_case_, match, /*lower=*/true);
    if (CaseSensitive(match)) found = Earlier(found, FindIn(exact_case_, match, /*lower=*/false));
    return found;
  }

 private:
  static void AddExpression(const std::string& text, int index, Kinds& kinds) {
    if (!kinds.expressions.emplace(text, index).second) return;
    if (TakesEverything(text)) kinds.prefixes.emplace("", index);
    if (kinds.compiled.size() >= kMaxExpressions) return;
    auto expression = std::make_unique<RE2>(text, RE2::Quiet);
    if (expression->ok()) kinds.compiled.emplace_back(index, std::move(expression));
  }

  Kinds exact_case_, any_case_;
  int connect_ = -1;  // the first that takes CONNECT, which no path does
};

RouteTakers::RouteTakers() = default;
RouteTakers::~RouteTakers() = default;

void RouteTakers::Add(const RouteMatch& match, int index) {
  if (!IsKnown(match)) return;
  const std::vector<std::string> conditions = ConditionsOf(match);
  if (conditions.size() > kMaxConditions) return;
  std::unique_ptr<Paths>& paths = by_conditions_[Key(conditions, ~uint32_t{0})];
  if (paths == nullptr) paths = std::make_unique<Paths>();
  paths->Add(match, index);
}

int RouteTakers::Find(const RouteMatch& match) const {
  std::vector<std::string> conditions = ConditionsOf(match);
  conditions.resize(std::min(conditions.size(), kMaxConditions));
  int found = -1;
  for (uint32_t chosen = 0; chosen < uint32_t{1} << conditions.size(); ++chosen) {
    const auto paths = by_conditions_.find(Key(conditions, chosen));
    if (paths != by_conditions_.end()) found = Earlier(found, paths->second->Find(match));
  }
  return found;
}

}  // namespace narthex
