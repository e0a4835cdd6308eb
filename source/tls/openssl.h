#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace narthex {

// Owners of OpenSSL's objects.
template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<&SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<&SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<&X509_free>>;
using X509CrlPtr = std::unique_ptr<X509_CRL, OpensslFree<&X509_CRL_free>>;
using PrivateKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<&BIO_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<&GENERAL_NAMES_free>>;

struct X509StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), X509StackFree>;

// The reasons that OpenSSL has put in the calling thread's queue, in words, oldest first: "key values
// mismatch". Empties the queue; "unknown error" when there are none.
std::string TakeOpensslError();
// Reads text without copying it, which must outlive the reader.
BioPtr ReaderOf(std::string_view text);

}  // namespace narthex
