#include "source/tls/client_hello.h"

#include <string>

#include "gtest/gtest.h"
#include "source/tls/openssl.h"

namespace narthex {
namespace {

using State = ClientHello::State;

// What OpenSSL's client sends first.
std::string HelloOf(const char* name, const std::string& alpn = {}) {
  const SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  const SslPtr ssl(SSL_new(context.get()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  if (name != nullptr) SSL_set_tlsext_host_name(ssl.get(), name);
  if (!alpn.empty()) {
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned int>(alpn.size()));
  }
  SSL_do_handshake(ssl.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<size_t>(size)};
}

// The same message in records of `size` bytes each.
std::string InFragments(const std::string& hello, size_t size) {
  const std::string message = hello.substr(5);
  std::string records;
  for (size_t at = 0; at < message.size(); at += size) {
    const std::string fragment = message.substr(at, size);
    records += std::string("\x16\x03\x01", 3) + static_cast<char>(fragment.size() >> 8) +
               static_cast<char>(fragment.size() & 255) + fragment;
  }
  return records;
}

TEST(ClientHello, HasTheNameAndTheProtocols) {
  const ClientHello hello = ClientHello::Peek(HelloOf("Www.Example.COM", "\x02h2\x08http/1.1"));
  EXPECT_EQ(hello.state, State::kDone);
  EXPECT_EQ(hello.server_name, "www.example.com");
  EXPECT_EQ(hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
}

TEST(ClientHello, NeedsNeither) {
  const ClientHello hello = ClientHello::Peek(HelloOf(nullptr));
  EXPECT_EQ(hello.state, State::kDone);
  EXPECT_EQ(hello.server_name, "");
  EXPECT_TRUE(hello.alpn.empty());
}

TEST(ClientHello, WaitsForEveryByte) {
  const std::string bytes = HelloOf("a.example");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ClientHello::Peek(bytes.substr(0, size)).state, State::kNeedMore) << size;
  }
  EXPECT_EQ(ClientHello::Peek(bytes + "more").state, State::kDone);
}

TEST(ClientHello, IsPutTogetherFromFragments) {
  const std::string bytes = HelloOf("a.example");
  for (const size_t size : {1, 2, 3, 5, 100}) {
    const std::string pieces = InFragments(bytes, size);
    const ClientHello hello = ClientHello::Peek(pieces);
    EXPECT_EQ(hello.state, State::kDone) << size;
    EXPECT_EQ(hello.server_name, "a.example");
    EXPECT_EQ(ClientHello::Peek(pieces.substr(0, pieces.size() - 1)).state, State::kNeedMore);
  }
}

TEST(ClientHello, TellsOtherProtocols) {
  EXPECT_EQ(ClientHello::Peek("GET / HTTP/1.1\r\n").state, State::kNotTls);
  EXPECT_EQ(ClientHello::Peek("PRI * HTTP/2.0\r\n").state, State::kNotTls);
  EXPECT_EQ(ClientHello::Peek(std::string("\x16\x02", 2)).state, State::kNotTls);
  EXPECT_EQ(ClientHello::Peek(std::string("\x80\x2e\x01", 3)).state, State::kNotTls);  // SSL 2
}

TEST(ClientHello, RefusesWhatIsMalformed) {
  const std::string bytes = HelloOf("a.example");
  std::string server_hello = bytes;
  server_hello[5] = 2;
  EXPECT_EQ(ClientHello::Peek(server_hello).state, State::kMalformed);
  EXPECT_EQ(ClientHello::Peek(std::string("\x16\x03\x01\x00\x00", 5)).state, State::kMalformed);
  std::string too_long = bytes;
  too_long[6] = 1;  // the message would have more than 64 KiB
  EXPECT_EQ(ClientHello::Peek(too_long).state, State::kMalformed);
  std::string second = InFragments(bytes, 50);
  second[55] = 23;  // application data in the midst
  EXPECT_EQ(ClientHello::Peek(second).state, State::kMalformed);
  std::string short_ciphers = bytes;
  short_ciphers[5 + 4 + 2 + 32 + 1 + 32 + 1] ^= 1;
  EXPECT_EQ(ClientHello::Peek(short_ciphers).state, State::kMalformed);
}

TEST(ClientHello, RefusesNamesThatAreNoHosts) {
  for (const char* name : {"a b", "a..b", ".a", "a.", "a\xc3\xa9", "a/b", "*.a"}) {
    EXPECT_EQ(ClientHello::Peek(HelloOf(name)).state, State::kMalformed) << name;
  }
  EXPECT_FALSE(IsHostName(""));
  EXPECT_FALSE(IsHostName(std::string(64, 'a')));
  EXPECT_FALSE(IsHostName(std::string("a\0b", 3)));
  EXPECT_TRUE(IsHostName("xn--a_1.example"));
}

TEST(ClientHello, GivesUpOnAHelloThatDoesNotEnd) {
  std::string endless;
  while (endless.size() < ClientHello::kMaxBytes) endless += std::string("\x16\x03\x01\x00\x01\x01", 6);
  endless[11] = 0;
  EXPECT_NE(ClientHello::Peek(endless).state, State::kDone);
  EXPECT_NE(ClientHello::Peek(endless).state, State::kNeedMore);
}

}  // namespace
}  // namespace narthex
