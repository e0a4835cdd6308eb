#include "source/tls/certificates_page.h"

#include <time.h>

#include <algorithm>

#include "source/base/escape.h"
#include "source/tls/ocsp_staple.h"

namespace narthex {
namespace {

constexpr int64_t kSecondsADay = 86400;

int64_t DaysLeft(const CertificateFacts& facts, std::chrono::system_clock::time_point now) {
  return std::max<int64_t>(0, facts.valid_until - std::chrono::system_clock::to_time_t(now)) / kSecondsADay;
}

std::string TimeInText(int64_t seconds) {
  const time_t time = seconds;
  tm parts = {};
  gmtime_r(&time, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void AddText(std::string& json, std::string_view name, std::string_view value) {
  json.append("\"").append(name).append("\": \"");
  AppendJsonEscaped(json, value);
  json += '"';
}

void AddNames(std::string& json, const CertificateNames& names) {
  const char* comma = "";
  const auto add = [&](std::string_view kind, const std::vector<std::string>& list) {
    for (const std::string& name : list) {
      json.append(comma).append("{");
      AddText(json, kind, name);
      json += '}';
      comma = ", ";
    }
  };
  json += "\"subject_alt_names\": [";
  add("dns", names.dns);
  add("uri", names.uri);
  add("ip_address", names.ip);
  json += "]";
}

void AddCertificate(std::string& json, const CertificateInUse& certificate,
                    std::chrono::system_clock::time_point now) {
  const CertificateFacts& facts = *certificate.facts;
  json += "\n    {";
  AddText(json, "path", certificate.origin);
  json += ", ";
  AddText(json, "serial_number", facts.serial);
  json += ", ";
  AddNames(json, facts.names);
  json += ", ";
  AddText(json, "days_until_expiration", std::to_string(DaysLeft(facts, now)));
  json += ", ";
  AddText(json, "valid_from", TimeInText(facts.valid_from));
  json += ", ";
  AddText(json, "expiration_time", TimeInText(facts.valid_until));
  if (certificate.staple != nullptr) {
    json += ", \"ocsp_details\": {";
    AddText(json, "valid_from", TimeInText(certificate.staple->valid_from()));
    json += ", ";
    AddText(json, "expiration", TimeInText(certificate.staple->valid_until()));
    json += '}';
  }
  json += '}';
}

void AddList(std::string& json, std::string_view name, const std::vector<CertificateInUse>& all,
             bool authorities, std::chrono::system_clock::time_point now) {
  json.append("\n   \"").append(name).append("\": [");
  const char* comma = "";
  for (const CertificateInUse& certificate : all) {
    if (certificate.is_authority != authorities) continue;
    json += comma;
    AddCertificate(json, certificate, now);
    comma = ",";
  }
  json += ']';
}

}  // namespace

std::string CertificatesJson(const std::vector<std::shared_ptr<TlsContext>>& contexts,
                             std::chrono::system_clock::time_point now) {
  std::string json = "{\n \"certificates\": [";
  const char* comma = "";
  for (const auto& context : contexts) {
    const std::vector<CertificateInUse> certificates = context->material()->Certificates();
    json.append(comma).append("\n  {");
    AddList(json, "ca_cert", certificates, true, now);
    json += ',';
    AddList(json, "cert_chain", certificates, false, now);
    json += "\n  }";
    comma = ",";
  }
  return json + "\n ]\n}\n";
}

std::optional<int64_t> DaysUntilFirstExpiry(const std::vector<std::shared_ptr<TlsContext>>& contexts,
                                            std::chrono::system_clock::time_point now) {
  std::optional<int64_t> first;
  for (const auto& context : contexts) {
    for (const CertificateInUse& certificate : context->material()->Certificates()) {
      const int64_t days = DaysLeft(*certificate.facts, now);
      if (!first || days < *first) first = days;
    }
  }
  return first;
}

std::optional<int64_t> SecondsUntilFirstStapleExpires(
    const std::vector<std::shared_ptr<TlsContext>>& contexts, std::chrono::system_clock::time_point now) {
  std::optional<int64_t> first;
  for (const auto& context : contexts) {
    for (const CertificateInUse& certificate : context->material()->Certificates()) {
      if (certificate.staple == nullptr) continue;
      const int64_t left = certificate.staple->valid_until() - std::chrono::system_clock::to_time_t(now);
      first = std::min(std::max<int64_t>(0, left), first.value_or(INT64_MAX));
    }
  }
  return first;
}

}  // namespace narthex
