"""Makes the certificates that both gateways, the clients and the upstreams use: one folder of them for a whole run."""
import base64
import datetime
import hashlib
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow().replace(microsecond=0)

# Server certificates, by the names that they are for.
SERVERS = {
    "exact": ["DNS:exact.test"], "exact-rsa": ["DNS:exact.test"], "wildcard": ["DNS:*.wild.test"], "deep": ["DNS:deep.wild.test"],
    "fallback": ["DNS:fallback.test"], "common": [], "upstream": ["DNS:up.test", "DNS:*.up.test", "IP:127.0.0.1"],
}
CLIENT_NAMES = ["DNS:client.test", "DNS:second.test", "URI:spiffe://h.test/client", "EMAIL:client@h.test", "IP:10.1.2.3"]


def san(text):
    kind, _, value = text.partition(":")
    if kind == "IP":
        return x509.IPAddress(ipaddress.ip_address(value))
    return {"DNS": x509.DNSName, "URI": x509.UniformResourceIdentifier, "EMAIL": x509.RFC822Name}[kind](value)


class Certificates:
    """`folder` gets NAME.pem and NAME.key for each; `names` says whose a certificate is, by its DER bytes."""

    def __init__(self, folder):
        self.folder, self.names, self.made, self.serial = folder, {}, {}, 1000
        for authority in ("ca", "other-ca"):
            self.make(authority, authority=True)
        self.make("middle", signer="ca", authority=True)
        for name, sans in SERVERS.items():
            self.make(name, sans, common={"common": "common.test"}.get(name, name), is_rsa=name == "exact-rsa")
        self.make("upstream-expired", SERVERS["upstream"], days=(-9, -2))
        self.make("client", CLIENT_NAMES)
        self.make("client-plain")
        self.make("client-rsa", ["DNS:rsa.test"], is_rsa=True)
        self.make("client-other", CLIENT_NAMES, signer="other-ca")
        self.make("client-expired", CLIENT_NAMES, days=(-9, -2))
        self.make("client-revoked", CLIENT_NAMES)
        self.make("client-middle", ["DNS:middle.test"], signer="middle")
        self.revoke("client-revoked")

    def path(self, name):
        return f"{self.folder}/{name}"

    def make(self, name, sans=(), signer="ca", common="", is_rsa=False, authority=False, days=(-1, 30)):
        key = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Narthex, Tests"),
                             x509.NameAttribute(NameOID.COMMON_NAME, common or name)])
        issuer, issuer_key = self.made.get(signer, (None, None))
        self.serial += 1
        builder = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key()).serial_number(self.serial)
                   .issuer_name(issuer.subject if issuer else subject)
                   .not_valid_before(NOW + days[0] * DAY).not_valid_after(NOW + days[1] * DAY)
                   .add_extension(x509.BasicConstraints(authority, None), critical=True))
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName([san(text) for text in sans]), critical=False)
        certificate = builder.sign(issuer_key or key, hashes.SHA256())
        self.made[name] = certificate, key
        chain = [certificate] + ([self.made["middle"][0]] if signer == "middle" else [])
        self.write(f"{name}.pem", b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
        self.write(f"{name}.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()))
        self.names[certificate.public_bytes(serialization.Encoding.DER)] = name

    def revoke(self, name):
        """Writes ca.crl, which has this certificate alone."""
        issuer, key = self.made["ca"]
        revoked = x509.RevokedCertificateBuilder().serial_number(self.made[name][0].serial_number).revocation_date(NOW).build()
        crl = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject).last_update(NOW - DAY)
               .next_update(NOW + 30 * DAY).add_revoked_certificate(revoked).sign(key, hashes.SHA256()))
        self.write("ca.crl", crl.public_bytes(serialization.Encoding.PEM))

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def hash(self, name):
        """SHA-256 of the certificate, in hexadecimal."""
        return self.made[name][0].fingerprint(hashes.SHA256()).hex()

    def spki(self, name):
        """SHA-256 of its public key, in Base64."""
        key = self.made[name][1].public_key().public_bytes(serialization.Encoding.DER,
                                                           serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def fill(self, text):
        """The text with $certs/NAME, $hash(NAME) and $spki(NAME) as they are in this run."""
        for name in self.made:
            text = text.replace(f"$hash({name})", self.hash(name)).replace(f"$spki({name})", self.spki(name))
        return text.replace("$certs", str(self.folder))
