"""A certificate authority that lives as long as a test run, made with the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues certificates into `folder`."""

    folder: Path

    def client(self) -> ssl.SSLContext:
        """A context that trusts this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def server(self, name: str, *, extra: tuple[str, ...] = ()) -> ssl.SSLContext:
        """A server's context with a fresh certificate for `name` (an openssl SAN entry)."""
        stem = name.replace(":", "-")
        key, request = self.folder / f"{stem}.key", self.folder / f"{stem}.csr"
        issued = self.folder / f"{stem}.pem"
        extensions = self.folder / f"{stem}.ext"
        extensions.write_text(
            f"subjectAltName={name}\nbasicConstraints=critical,CA:FALSE\n"
            "authorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n"
        )
        _openssl("req", "-new", "-subj", "/CN=test", *_KEY, "-keyout", key, "-out", request)
        signed = ("-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key")
        validity = extra or ("-days", "2")
        _openssl(
            *("x509", "-req", "-in", request, *signed, "-CAcreateserial", "-out", issued),
            *("-extfile", extensions),
            *validity,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued, key)
        return context


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_authority(folder: Path) -> Authority:
    """Make the key and the certificate of the authority in `folder`."""
    _openssl(
        *("req", "-x509", "-days", "2", "-subj", "/CN=test authority", *_KEY),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.pem"),
    )
    return Authority(folder)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
