#include "source/upstream/tls_names.h"

#include "gtest/gtest.h"
#include "test/upstream/upstream_fixture.h"

namespace narthex {
namespace {

class TlsNamesTest : public testing::Test {
 protected:
  TlsNamesTest() { settings_.tls = NoTlsContext(); }
  TlsNames Of(std::string_view authority, std::string_view other = {}) {
    HeaderMap headers;
    if (!authority.empty()) headers.Add(Header::kAuthority, authority);
    if (!other.empty()) headers.Add("x-server", other);
    return TlsNamesOf(settings_, headers);
  }
  ConnectionSettings settings_;
};

TEST_F(TlsNamesTest, NothingIsNeededUnlessItIsAskedFor) {
  EXPECT_EQ(Of("shop.example"), TlsNames());
}

TEST_F(TlsNamesTest, WithoutTlsThereIsNothingToName) {
  settings_.tls = nullptr;
  settings_.auto_sni = settings_.auto_san_validation = true;
  EXPECT_EQ(Of("shop.example"), TlsNames());
}

TEST_F(TlsNamesTest, EachSettingWorksWithoutTheOther) {
  settings_.auto_sni = true;
  EXPECT_EQ(Of("Shop.example:8443"), (TlsNames{.server_name = "shop.example"}));
  settings_.auto_san_validation = true;
  EXPECT_EQ(Of("Shop.example:8443"),
            (TlsNames{.server_name = "shop.example", .verify_name = "shop.example"}));
  settings_.auto_sni = false;
  EXPECT_EQ(Of("Shop.example:8443"), (TlsNames{.verify_name = "shop.example"}));
}

TEST_F(TlsNamesTest, AddressesAreVerifiedAndNotAskedFor) {
  settings_.auto_sni = settings_.auto_san_validation = true;
  EXPECT_EQ(Of("10.0.0.1:443"), (TlsNames{.verify_name = "10.0.0.1"}));
  EXPECT_EQ(Of("[2001:DB8:0::1]:443"), (TlsNames{.verify_name = "2001:db8::1"}));
}

TEST_F(TlsNamesTest, ARequestWithoutANameToVerifyIsRefused) {
  settings_.auto_sni = true;
  EXPECT_FALSE(Of("").refused);
  settings_.auto_san_validation = true;
  for (const std::string_view authority : {"", ":443", "[]", "[nonsense]:443"}) {
    EXPECT_TRUE(Of(authority).refused) << authority;
  }
}

TEST_F(TlsNamesTest, AnotherHeaderMayNameTheHost) {
  settings_.auto_sni = settings_.auto_san_validation = true;
  settings_.sni_header = "x-server";
  EXPECT_EQ(Of("shop.example", "Inner.example"),
            (TlsNames{.server_name = "inner.example", .verify_name = "inner.example"}));
  EXPECT_EQ(Of("shop.example").verify_name, "shop.example");
}

}  // namespace
}  // namespace narthex
