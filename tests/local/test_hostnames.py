"""The certificates and addresses of an app, as its API tells of them."""

import datetime as dt
import ipaddress

import pytest
import trustme
from cryptography import x509

NAME = "www.example.com"


@pytest.fixture
def certificates(client):
    def call(method, path="", **options):
        return client.api.request(method, f"/v1/apps/{client.app}/certificates{path}", **options)

    return call


@pytest.fixture
def addresses(client):
    def call(method, path="", **options):
        return client.api.request(method, f"/v1/apps/{client.app}/ip_assignments{path}", **options)

    return call


@pytest.fixture(scope="module")
def own():
    """A certificate for the name, and the body that brings it."""
    issued = trustme.CA().issue_cert(NAME)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    body = {
        "hostname": NAME,
        "fullchain": chain.decode(),
        "private_key": issued.private_key_pem.bytes().decode(),
    }
    return x509.load_pem_x509_certificate(chain), body


def test_a_certificate_is_issued_by_the_first_check_and_says_when_it_ends(certificates):
    added = certificates("POST", "/acme", json={"hostname": NAME})
    assert added.status_code == 201
    assert (added.json()["status"], added.json()["configured"]) == ("pending_validation", False)
    assert added.json()["dns_requirements"]["acme_challenge"]["name"] == f"_acme-challenge.{NAME}"
    checked = certificates("POST", f"/{NAME}/check").json()
    assert checked["dns_records"]["resolved_addresses"] == ["127.0.0.1"]
    shown = certificates("GET", f"/{NAME}").json()
    assert (shown["status"], shown["configured"]) == ("active", True)
    (entry,) = shown["certificates"]
    assert (entry["source"], entry["status"]) == ("fly", "active")
    expires_at = dt.datetime.fromisoformat(entry["expires_at"])
    assert 89 <= (expires_at - dt.datetime.now(dt.UTC)).days <= 90
    assert {each["type"] for each in entry["issued"]} == {"rsa", "ecdsa"}
    (listed,) = certificates("GET").json()["certificates"]
    assert (listed["hostname"], listed["has_fly_certificate"]) == (NAME, True)
    certificates("DELETE", f"/{NAME}/acme")
    assert certificates("GET", f"/{NAME}").json()["certificates"] == []
    assert certificates("DELETE", f"/{NAME}").status_code == 204
    assert certificates("GET", f"/{NAME}").status_code == 404


def test_a_certificate_that_is_brought_along_says_its_own_end(certificates, own):
    certificate, body = own
    brought = certificates("POST", "/custom", json=body)
    assert brought.status_code == 201, brought.text
    (entry,) = brought.json()["certificates"]
    assert entry["source"] == "custom"
    assert dt.datetime.fromisoformat(entry["expires_at"]) == certificate.not_valid_after_utc
    removed = certificates("DELETE", f"/{NAME}/custom")
    assert (removed.status_code, bool(removed.json()["warning"])) == (200, True)
    assert certificates("DELETE", f"/{NAME}/custom").status_code == 404


def test_a_certificate_that_does_not_fit_is_422(certificates, own):
    _, body = own
    other = trustme.CA().issue_cert(NAME).private_key_pem.bytes().decode()
    for wrong in (
        {"fullchain": "x"},
        {"private_key": "x"},
        {"private_key": other},
        {"hostname": "shop.example.com"},
        {"hostname": "no name"},
    ):
        assert certificates("POST", "/custom", json={**body, **wrong}).status_code == 422
    assert certificates("GET").json()["total_count"] == 0


def test_certificates_are_found_by_a_part_of_their_name(certificates):
    for number in range(5):
        certificates("POST", "/acme", json={"hostname": f"n{number}.example.com"})
    certificates("POST", "/acme", json={"hostname": "shop.example.org"})
    first = certificates("GET", params={"filter": "example.com", "limit": 3}).json()
    second = certificates(
        "GET", params={"filter": "example.com", "limit": 3, "cursor": first["next_cursor"]}
    ).json()
    names = [each["hostname"] for each in first["certificates"] + second["certificates"]]
    assert names == [f"n{number}.example.com" for number in range(5)]
    assert (first["total_count"], second["next_cursor"]) == (5, "")


@pytest.mark.parametrize(
    ("kind", "version", "prefix"),
    [("v4", 4, ""), ("v6", 6, ""), ("private_v6", 6, "fdaa:"), ("egress_v4", 4, "")],
)
def test_addresses_come_and_go(addresses, kind, version, prefix):
    given = addresses("POST", json={"type": kind, "region": "ams"})
    assert given.status_code == 200
    ip = given.json()["ip"]
    assert ipaddress.ip_address(ip).version == version
    assert ip.startswith(prefix)
    assert given.json()["shared"] is False
    listed = addresses("GET").json()["ips"]
    assert [each["ip"] for each in listed] == ["127.0.0.1", ip]
    assert addresses("DELETE", f"/{ip}").status_code == 204
    assert addresses("DELETE", f"/{ip}").status_code == 404


def test_an_egress_pair_is_two_addresses_and_what_is_no_type_400(addresses):
    pair = addresses("POST", json={"type": "egress_pair", "region": "iad"}).json()["ip_pair"]
    assert {each["ip"] for each in addresses("GET").json()["ips"]} > set(pair.values())
    assert addresses("POST", json={"type": "v5"}).status_code == 400
    assert addresses("POST", json={}).status_code == 400


def test_regions_say_where_they_are_and_a_placement_finds_room(client):
    regions = client.api.get("/v1/platform/regions").json()
    by_code = {each["code"]: each for each in regions["regions"]}
    assert regions["nearest"] in by_code
    parts = {code: by_code[code]["geo_region"] for code in ("iad", "gru", "jnb", "ams", "syd")}
    assert parts == {
        "iad": "north_america",
        "gru": "south_america",
        "jnb": "africa",
        "ams": "europe",
        "syd": "asia_pacific",
    }
    wanted = {"org_slug": "personal", "region": "ams,any", "count": 2}
    placed = client.api.post("/v1/platform/placements", json=wanted).json()["regions"]
    assert placed == [{"region": "ams", "count": 2, "concurrency": 2}]
    assert client.api.post("/v1/platform/placements", json={}).status_code == 400
