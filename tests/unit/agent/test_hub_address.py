import pytest

from soundpost.agent.hub_address import normalise
from soundpost.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("av.example.com", "wss://av.example.com:8443/agent/link"),
        (" AV.Example.com. ", "wss://av.example.com:8443/agent/link"),
        ("av.example.com:443", "wss://av.example.com:443/agent/link"),
        ("https://av.example.com", "wss://av.example.com:8443/agent/link"),
        ("https://av.example.com:443/login?next=1#top", "wss://av.example.com:443/agent/link"),
        ("http://av.example.com/", "wss://av.example.com:8443/agent/link"),
        ("wss://av.example.com:8443/agent/link", "wss://av.example.com:8443/agent/link"),
        ("10.20.1.5", "wss://10.20.1.5:8443/agent/link"),
        ("10.20.1.5:9000/x", "wss://10.20.1.5:9000/agent/link"),
        ("::1", "wss://[::1]:8443/agent/link"),
        ("[fd00::5]:9000", "wss://[fd00::5]:9000/agent/link"),
        ("localhost", "wss://localhost:8443/agent/link"),
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/agent/link"),
        ("bücher.example", "wss://xn--bcher-kva.example:8443/agent/link"),
    ],
)
def test_what_people_type(typed, url):
    assert normalise(typed).url == url


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "hub_url_empty"),
        ("   ", "hub_url_empty"),
        ("ftp://av.example.com", "hub_url_invalid"),
        ("av example com", "hub_url_invalid"),
        ("https://", "hub_url_invalid"),
        ("av.example.com:0", "hub_url_invalid"),
        ("av.example.com:99999", "hub_url_invalid"),
        ("av.example.com:port", "hub_url_invalid"),
        ("10.20.1", "hub_url_invalid"),
        ("10.20.1.999", "hub_url_invalid"),
        ("me:secret@av.example.com", "hub_url_invalid"),
        ("-av.example.com", "hub_url_invalid"),
        ("a..b", "hub_url_invalid"),
        ("ws://av.example.com", "hub_url_insecure"),
    ],
)
def test_what_is_refused_with_a_sentence(typed, code):
    with pytest.raises(Invalid) as caught:
        normalise(typed)
    assert caught.value.code == code
    assert "secret" not in caught.value.text
    assert caught.value.text.endswith(".")


def test_plain_is_allowed_when_asked_for():
    assert normalise("ws://av.example.com", insecure=True).url == "ws://av.example.com:8443/agent/link"
    assert normalise("ws://[::1]:80").loopback
