#pragma once

#include <span>
#include <string>

#include "source/base/buffer.h"
#include "source/http/http1_parser.h"

namespace narthex {

// Goes on with the parse of a head that has outgrown one block: moves all of `input` to the end of `gathered`
// and calls the parser, which has looked at `gathered` before and goes on where it stopped. So each byte is
// looked at once, however many pieces it comes in, and no more memory is held than the parser's limit asks
// for. At kDone the head's fields are copies, and what came behind the head is back in `input`.
template <class Parser, class Head>
Http1ParseResult ParseLongHead(Parser& parser, std::string& gathered, Buffer& input, Head& head) {
  while (!input.empty()) {
    const std::string_view front = input.Front();
    gathered.append(front);
    input.Consume(front.size());
  }
  const Http1ParseResult result = parser.Parse(std::span<char>(gathered), head);
  if (result != Http1ParseResult::kDone) return result;
  head.headers = head.headers.Clone();
  input.Append(std::string_view(gathered).substr(head.size));
  return result;
}

}  // namespace narthex
