import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.addresses import caller_address, group_of, parse_networks
from infra.settings import SettingsError

PROXIES = parse_networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    "text", ["*", "0.0.0.0/0", "::/0", "10.0.0.0/8,0.0.0.0/0", "x", "10.0.0.1/8"]
)
def test_everybody_is_no_proxy(text):
    with pytest.raises(SettingsError, match="MEDIA_GATEWAY_TRUSTED_PROXIES"):
        parse_networks(text)


def test_no_proxy_is_trusted_by_default():
    assert parse_networks("") == ()
    assert caller_address("10.0.0.1", ["9.9.9.9"], ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "group"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["9.9.9.9"], "192.0.2.1"),  # the peer may not say it
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),  # what the caller itself sent
        ("10.0.0.1", ["1.1.1.1", "9.9.9.9"], "9.9.9.9"),  # in two headers
        ("10.0.0.1", ["9.9.9.9, 10.0.0.7"], "9.9.9.9"),  # two proxies
        ("10.0.0.1", ["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        ("10.0.0.1", ["garbage"], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9, garbage, 10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", ["9.9.9.9:1234"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["::ffff:9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["fe80::1%eth0"], "fe80::/64"),
        ("", ["9.9.9.9"], "unknown"),
        ("testclient", [], "unknown"),
    ],
)
def test_the_caller_is_the_last_hop_that_is_no_proxy(peer, forwarded, group):
    assert group_of(caller_address(peer, forwarded, PROXIES)) == group


def test_all_of_a_64_bit_network_is_one_caller():
    assert group_of("2001:db8::1") == group_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert group_of("2001:db8:0:1::1") != group_of("2001:db8::1")


@given(st.text(max_size=80), st.lists(st.text(max_size=200), max_size=4))
def test_any_text_gives_a_group(peer, forwarded):
    assert len(group_of(caller_address(peer, forwarded, PROXIES))) < 64
    assert caller_address("192.0.2.1", forwarded, PROXIES) == "192.0.2.1"
