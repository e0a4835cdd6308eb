#include "filters/grpc_web/web_body.h"

#include <utility>

#include "source/substitution/grpc_status.h"

namespace narthex {
namespace {

constexpr char kTrailersFlag = static_cast<char>(0x80);

std::unique_ptr<ExchangeError> BadRequest(std::string_view detail) {
  auto error = std::make_unique<ExchangeError>();
  error->detail = detail;
  error->cause = "the body of the gRPC-Web request is no base64";
  error->status = 400;
  return error;
}

// Decodes all of `data` in its place; false when it is no base64.
bool DecodeInPlace(Base64Decoder& decoder, Buffer& data) {
  std::string decoded;
  for (; !data.empty(); data.Consume(data.Front().size())) {
    if (!decoder.Decode(data.Front(), decoded)) return false;
  }
  data.Append(decoded);
  return true;
}

class DecodedRequest : public BodySource {
 public:
  DecodedRequest(Body body, bool text) : body_(std::move(body)), text_(text) {}

  Task<BodyPiece> Read() override {
    while (true) {
      BodyPiece piece = co_await body_.Read();
      if (piece.error != nullptr || !text_) co_return piece;
      if (!DecodeInPlace(decoder_, piece.data)) co_return Broken(kBadBase64);
      if (piece.end && !decoder_.between_groups()) co_return Broken(kBase64EndsEarly);
      if (piece.end || !piece.data.empty()) co_return piece;
    }
  }

 private:
  static BodyPiece Broken(std::string_view detail) {
    BodyPiece piece;
    piece.error = BadRequest(detail);
    return piece;
  }

  Body body_;
  const bool text_;
  Base64Decoder decoder_;
};

class EncodedResponse : public BodySource {
 public:
  EncodedResponse(Body body, bool text, const WebOutcome& outcome)
      : body_(std::move(body)), text_(text), outcome_(outcome) {}

  Task<BodyPiece> Read() override {
    while (true) {
      BodyPiece piece = co_await body_.Read();
      if (piece.error != nullptr) co_return piece;
      if (text_) EncodeInPlace(piece.data);
      if (piece.end) {
        End(piece);
        co_return piece;
      }
      if (!piece.data.empty()) co_return piece;
    }
  }

 private:
  void EncodeInPlace(Buffer& data) {
    std::string encoded;
    for (; !data.empty(); data.Consume(data.Front().size())) encoder_.Encode(data.Front(), encoded);
    data.Append(encoded);
  }

  void End(BodyPiece& piece) {
    std::string last;
    if (text_) encoder_.Finish(last);
    if (piece.trailers != nullptr) {
      outcome_.Count(*piece.trailers);
      outcome_.exchange().grpc_status = ParseGrpcStatus(piece.trailers->Get(Header::kGrpcStatus));
      const std::string frame = TrailersFrame(*piece.trailers);
      if (text_) {
        encoder_.Encode(frame, last);
        encoder_.Finish(last);
      } else {
        last += frame;
      }
      piece.trailers = nullptr;
    }
    piece.data.Append(last);
  }

  Body body_;
  const bool text_;
  const WebOutcome outcome_;  // its exchange outlives the bodies
  GrpcTextEncoder encoder_;
};

}  // namespace

std::optional<Body> DecodeRequestBody(Body body, bool text, std::unique_ptr<ExchangeError>& error) {
  if (body.empty()) return body;
  if (!body.complete()) {
    return Body(Buffer(), std::make_unique<DecodedRequest>(std::move(body), text), std::nullopt);
  }
  std::unique_ptr<HeaderMap> trailers;
  if (body.trailers() != nullptr) trailers = std::make_unique<HeaderMap>(body.trailers()->Clone());
  Buffer data = body.TakeBuffered();
  Base64Decoder decoder;
  if (text && !DecodeInPlace(decoder, data)) {
    error = BadRequest(kBadBase64);
  } else if (!decoder.between_groups()) {
    error = BadRequest(kBase64EndsEarly);
  }
  if (error != nullptr) return std::nullopt;
  Body decoded(std::move(data), nullptr, std::nullopt);
  decoded.set_trailers(std::move(trailers));
  return decoded;
}

void GrpcTextEncoder::Encode(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const size_t size = frames_.Advance(bytes);
    base64_.Encode(bytes.substr(0, size), out);
    bytes.remove_prefix(size);
    if (frames_.between_messages()) base64_.Pad(out);
  }
}

std::string TrailersFrame(const HeaderMap& trailers) {
  std::string lines;
  for (const HeaderMap::Field& field : trailers) {
    lines.append(field.name).append(":").append(field.value).append("\r\n");
  }
  const auto size = static_cast<uint32_t>(lines.size());
  std::string frame = {kTrailersFlag, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                       static_cast<char>(size >> 8), static_cast<char>(size)};
  return frame + lines;
}

Body EncodeResponseBody(Body body, bool text, const WebOutcome& outcome) {
  return Body(Buffer(), std::make_unique<EncodedResponse>(std::move(body), text, outcome), std::nullopt);
}

}  // namespace narthex
