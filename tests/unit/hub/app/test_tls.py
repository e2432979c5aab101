import asyncio
import hashlib
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.hub import Hub

from soundpost.hub import tls
from soundpost.hub.serve import Plain, Serving, Tls
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Corrupt

NOW = SystemClock().now_ms()
DAY = 86_400_000


@asynccontextmanager
async def serving(hub: Hub, certificate: tls.Certificate) -> AsyncIterator[Serving]:
    plain, secure = Plain(0), Tls(certificate, 0, "127.0.0.1")
    async with Serving(hub.app, SystemClock(), plain=plain, tls=secure) as running:
        yield running


async def test_the_chain_verifies_under_the_hubs_own_ca(home: Hub, tmp_path: Path) -> None:
    certificate = tls.ensure(tmp_path / "keys", NOW, names=["av.example.org"])
    async with serving(home, certificate) as running:
        trusting = ssl.create_default_context(cadata=certificate.ca_pem)
        async with httpx.AsyncClient(verify=trusting) as client:
            for host in ("localhost", "127.0.0.1"):
                assert (await client.get(f"https://{host}:{running.tls_port}/api/v1/health")).status_code == 200
            body = {"code": home.code, "sign_in": "ada@example.org", "password": "a long enough password"}
            answer = await client.post(f"https://localhost:{running.tls_port}/api/v1/first-run", json=body)
            assert "; Secure" in answer.headers["set-cookie"]
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://localhost:{running.tls_port}/api/v1/health")


def test_files_are_private_and_the_fingerprint_is_the_cas(tmp_path: Path) -> None:
    made = tls.ensure(tmp_path, NOW)
    for name in (tls.CA_FILE, tls.LEAF_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert "PRIVATE" not in made.ca_pem
    der = ssl.PEM_cert_to_DER_cert(made.ca_pem)
    assert made.fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()


def test_the_leaf_is_kept_while_it_is_good(tmp_path: Path) -> None:
    tls.ensure(tmp_path, NOW)
    before = (tmp_path / tls.LEAF_FILE).read_bytes()
    tls.ensure(tmp_path, NOW + 300 * DAY)
    assert (tmp_path / tls.LEAF_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("later", "names"), [(370 * DAY, []), (0, ["av.example.org"]), (-30 * DAY, []), (500 * DAY, [])]
)
def test_a_new_leaf_comes_under_the_same_ca(tmp_path: Path, later: int, names: list[str]) -> None:
    first = tls.ensure(tmp_path, NOW)
    before = (tmp_path / tls.LEAF_FILE).read_bytes()
    second = tls.ensure(tmp_path, NOW + later, names=names)
    assert (tmp_path / tls.LEAF_FILE).read_bytes() != before
    assert (second.fingerprint, second.ca_pem) == (first.fingerprint, first.ca_pem)
    leaf, ca = tls.read(tmp_path / tls.LEAF_FILE), tls.read(tmp_path / tls.CA_FILE)
    assert leaf and ca
    leaf.certificate.verify_directly_issued_by(ca.certificate)


def test_a_damaged_leaf_is_made_again_and_a_damaged_ca_never(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, NOW)
    (tmp_path / tls.LEAF_FILE).write_text("nothing")
    assert tls.ensure(tmp_path, NOW).fingerprint == first.fingerprint
    (tmp_path / tls.CA_FILE).write_text("nothing")
    with pytest.raises(Corrupt) as caught:
        tls.ensure(tmp_path, NOW)
    assert caught.value.code == "tls_damaged"
    assert (tmp_path / tls.CA_FILE).read_text() == "nothing"


async def test_a_running_listener_takes_the_renewed_leaf(home: Hub, tmp_path: Path) -> None:
    first = tls.ensure(tmp_path / "keys", NOW)
    async with serving(home, first) as running:
        renewed = tls.ensure(tmp_path / "keys", NOW, names=["av.example.org"])
        running.renew(renewed)
        seen = await presented(running.tls_port, first.ca_pem)
        leaf = tls.read(renewed.chain)
    assert leaf
    assert seen == leaf.certificate.public_bytes(tls.Encoding.DER)


async def presented(port: int, ca_pem: str) -> bytes:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context(cadata=ca_pem))
    der: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return der
