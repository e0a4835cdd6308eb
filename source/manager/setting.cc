#include "source/manager/setting.h"

#include "absl/strings/str_format.h"

namespace narthex {

bool SettingReader::Bool(std::string_view field, bool present, bool value, Defaults<bool> defaults) {
  bool chosen = present ? value : Default(defaults);
  Note(field, present, chosen ? "true" : "false", chosen != defaults.edge);
  return chosen;
}

std::chrono::milliseconds SettingReader::Duration(std::string_view field, bool present,
                                                  std::chrono::milliseconds value,
                                                  Defaults<std::chrono::milliseconds> defaults) {
  std::chrono::milliseconds chosen = present ? value : Default(defaults);
  bool laxer = defaults.edge.count() > 0 && (chosen.count() == 0 || chosen > defaults.edge);
  Note(field, present, DurationText(chosen), laxer);
  return chosen;
}

void SettingReader::Note(std::string_view field, bool present, std::string value, bool differs) {
  Setting note{std::string(field), std::move(value), {}, path_.Field(field).Origin(), present, differs};
  if (present) {
    note.origin = note.place.ToString();
  } else {
    note.origin = edge() ? "default of the edge profile" : "default of Envoy";
  }
  notes_.push_back(std::move(note));
}

std::string DurationText(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "none";
  return absl::StrFormat("%gs", static_cast<double>(duration.count()) / 1000);
}

}  // namespace narthex
