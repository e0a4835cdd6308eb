#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "source/http/http1_parser.h"

namespace narthex {

// Character classes of RFC 9110 section 5.6.2 and RFC 9112: one table, one bit a class.
enum CharClass : uint8_t {
  kToken = 1,      // tchar
  kFieldText = 2,  // field-vchar, obs-text, SP, HTAB
  // What a request target may hold: visible ASCII without '#'. Some of it no URI has, but browsers send it,
  // and none of it can end a request line.
  kTarget = 4,
  kHostChar = 8,    // reg-name, IP literal and port
  kPlainHost = 16,  // what needs no further look in a reg-name: no escape, no port, no literal
};
bool IsClass(char c, CharClass cls);
bool AllOf(std::string_view text, CharClass cls);

// What a field section says of its own message.
struct FieldFacts {
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool has_transfer_encoding = false;
  bool connection_close = false;
  bool connection_keep_alive = false;
  bool connection_upgrade = false;
  // The one protocol that Upgrade names; a list, or more than one field, is none that we take part in.
  std::string_view upgrade;
  int upgrades = 0;
  bool expect = false;
  bool expect_continue = false;
  std::string_view host;
  int hosts = 0;
};

// Parses the field lines of `lines` (everything between the start line and the empty line, each line with its
// CRLF) into `headers`, leaving hop-by-hop fields out and their meaning in `facts`. Returns null, or the
// detail of what is wrong.
struct FieldError {
  int status;
  const char* detail;
};
std::optional<FieldError> ParseFields(std::span<char> lines, uint32_t max_headers, HeaderMap& headers,
                                      FieldFacts& facts);

// The position behind the empty line that ends a head, 0 when it has not come yet. Looks from `from` on.
size_t FindEndOfHead(std::span<const char> bytes, size_t from);

// A Content-Length value: 1*DIGIT that fits 63 bits (RFC 9110 section 8.6). Nothing else, no sign, no list.
std::optional<uint64_t> ParseContentLength(std::string_view text);
// uri-host [ ":" port ] (RFC 9110 section 7.2). Empty is valid.
bool IsValidHost(std::string_view host);
// uri-host ":" port, neither of them empty, and the port not 0: whom a CONNECT is for (RFC 9112
// section 3.2.3, RFC 9110 section 9.3.6).
bool IsAuthorityForm(std::string_view target);

}  // namespace narthex
