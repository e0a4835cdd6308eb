#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/config_path.h"
#include "source/manager/profile.h"

namespace narthex {

// One setting that is in effect, for `explain` and `check`.
struct Setting {
  std::string name;
  std::string value;
  std::string origin;  // where it was written, or "default of the edge profile"
  Origin place;        // where it was written, or the message that leaves it out
  bool written = false;
  bool below_edge = false;  // less safe than what the edge profile would have set
};

// A value with a default for each profile.
template <class T>
struct Defaults {
  T edge;
  T envoy;
};

// Reads settings of one message: what was written, else the profile's default; and keeps a note of each.
// Load-time only.
class SettingReader {
 public:
  SettingReader(ConfigPath path, Profile profile, std::vector<Setting>& notes)
      : path_(path), profile_(profile), notes_(notes) {}

  bool edge() const { return profile_ == Profile::kEdge; }
  // A bool or number without presence counts as written when the text has it: `field: false` is not a
  // default.
  bool IsWritten(std::string_view field) const { return path_.Field(field).IsWritten(); }

  // `present`: the message has the field, or its text does.
  bool Bool(std::string_view field, bool present, bool value, Defaults<bool> defaults);
  // An enum by name: `name_of` prints a value.
  template <class E>
  E Enum(std::string_view field, bool present, E value, Defaults<E> defaults, const char* (*name_of)(E)) {
    E chosen = present ? value : Default(defaults);
    Note(field, present, name_of(chosen), chosen != defaults.edge);
    return chosen;
  }
  std::chrono::milliseconds Duration(std::string_view field, bool present, std::chrono::milliseconds value,
                                     Defaults<std::chrono::milliseconds> defaults);

 private:
  template <class T>
  T Default(const Defaults<T>& defaults) const {
    return edge() ? defaults.edge : defaults.envoy;
  }
  void Note(std::string_view field, bool present, std::string value, bool differs);

  ConfigPath path_;
  Profile profile_;
  std::vector<Setting>& notes_;
};

// "300s", "1.5s", "none" for zero.
std::string DurationText(std::chrono::milliseconds duration);

}  // namespace narthex
