#include <openssl/err.h>

#include "test/tls/raw_client_rig.h"

namespace narthex {
namespace {

class HostileClientTest : public RawClientRig {
 protected:
  void Start(int min_version, int max_version, const char* ciphers = "ALL:@SECLEVEL=0") {
    RawClientRig::Start(PlainServer(), min_version, max_version, ciphers);
  }
};

TEST_F(HostileClientTest, CannotSpeakOldVersions) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Start(version, version);
    EXPECT_FALSE(Shake());
    EXPECT_EQ(accepted_.error, "TLS error: unsupported protocol");
  }
}

TEST_F(HostileClientTest, CannotUseWeakCiphers) {
  Start(TLS1_2_VERSION, TLS1_2_VERSION, "eNULL:aNULL:AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0");
  EXPECT_FALSE(Shake());
  EXPECT_EQ(accepted_.error, "TLS error: no shared cipher");
}

TEST_F(HostileClientTest, CannotRenegotiateOrCompress) {
  Start(TLS1_2_VERSION, TLS1_2_VERSION);
  ASSERT_TRUE(Shake());
  EXPECT_EQ(SSL_get_current_compression(ssl_.get()), nullptr);
  EXPECT_EQ(SSL_renegotiate(ssl_.get()), 1);
  SSL_do_handshake(ssl_.get());
  EXPECT_EQ(ServerReads().kind, IoResult::Kind::kWouldBlock);
  int result = 0;
  for (int i = 0; i < 10; ++i) {
    result = SSL_do_handshake(ssl_.get());
    loop_->RunOnce();
  }
  EXPECT_NE(result, 1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

TEST_F(HostileClientTest, CannotFloodWithNewKeys) {
  Start(TLS1_3_VERSION, TLS1_3_VERSION);
  ASSERT_TRUE(Shake());
  const auto renew = [&] {
    ASSERT_EQ(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ssl_.get()), 1);
  };
  for (int i = 0; i < 30; ++i) renew();
  EXPECT_EQ(ServerReads().kind, IoResult::Kind::kWouldBlock);
  ASSERT_EQ(SSL_write(ssl_.get(), "x", 1), 1);
  EXPECT_EQ(ServerReads().bytes, 1u);
  for (int i = 0; i < 10; ++i) renew();
  EXPECT_EQ(ServerReads().kind, IoResult::Kind::kError);
  EXPECT_EQ(stream_->error_text(), "TLS error: too many key updates");
}

TEST_F(HostileClientTest, MayAskForNewKeysOnce) {
  Start(TLS1_3_VERSION, TLS1_3_VERSION);
  ASSERT_TRUE(Shake());
  ASSERT_EQ(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_write(ssl_.get(), "x", 1), 1);
  EXPECT_EQ(ServerReads().bytes, 1u);
  ASSERT_TRUE(WriteAll(*stream_, "y"));
  char byte = 0;
  EXPECT_EQ(SSL_read(ssl_.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
}

// A HelloRetryRequest asks for another key share, and for nothing else that is new.
TEST_F(HostileClientTest, CannotAskForAnotherNameInItsSecondHello) {
  struct Row {
    const char *first, *second;
  };
  for (const Row row :
       {Row{"a.example", "b.example"}, Row{"a.example", nullptr}, Row{nullptr, "b.example"}}) {
    Start(TLS1_3_VERSION, TLS1_3_VERSION);
    int alert = 0;
    SSL_set_app_data(ssl_.get(), &alert);
    SSL_set_info_callback(ssl_.get(), [](const SSL* ssl, int where, int value) {
      if (where == SSL_CB_READ_ALERT) *static_cast<int*>(SSL_get_app_data(ssl)) = value & 0xff;
    });
    ASSERT_EQ(SSL_set1_groups_list(ssl_.get(), "P-521:P-256"), 1);
    SSL_set_tlsext_host_name(ssl_.get(), row.first);
    SSL_connect(ssl_.get());
    ERR_clear_error();
    SSL_set_tlsext_host_name(ssl_.get(), row.second);
    EXPECT_FALSE(Shake());
    EXPECT_EQ(accepted_.error, "TLS error: the client asks for another server name in its second hello");
    EXPECT_EQ(alert, SSL_AD_ILLEGAL_PARAMETER);
  }
}

TEST_F(HostileClientTest, CannotAskForWhatIsNoHostName) {
  Start(TLS1_2_VERSION, TLS1_3_VERSION);
  SSL_set_tlsext_host_name(ssl_.get(), "a/b");
  EXPECT_FALSE(Shake());
  EXPECT_EQ(accepted_.error, "TLS error: the client asks for a server name that is no host name");
}

}  // namespace
}  // namespace narthex
