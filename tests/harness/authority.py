"""A certificate authority for one test session."""
import subprocess

EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


class Authority:
    def __init__(self, directory, name="Test Authority"):
        self.directory = directory
        self.certificate, self.key = directory / "ca.crt", directory / "ca.key"
        openssl("req", "-x509", "-newkey", *EC, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, kind=EC, digest="-sha256", names="DNS:localhost,IP:127.0.0.1"):
        """(certificate, key) for a server of these names."""
        made = [self.directory / f"{name}.{suffix}" for suffix in ("crt", "key", "csr", "ext")]
        certificate, key, request, extension = made
        openssl("req", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout", key,
                "-out", request)
        extension.write_text(f"subjectAltName = {names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", "2", digest, "-extfile", extension,
                "-out", certificate)
        key.chmod(0o600)
        return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
