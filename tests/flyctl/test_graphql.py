"""Queries as fly-go writes them, and what it reads from the answers, field by field."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("walk")

APP = "walk"
IMAGE = "registry.local/till:v1"
JSON = {"content-type": "application/json"}
GRAPHQL = {
    "content-type": "application/json; charset=utf-8",
    "accept": "application/json; charset=utf-8",
}
# RFC 3339, as Go reads it.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
MINT = """
mutation CreateLimitedAccessToken ($name: String!, $organizationId: ID!, $profile: String!, \
$profileParams: JSON, $expiry: String!) {
\tcreateLimitedAccessToken(input: {name:$name,organizationId:$organizationId,profile:$profile,\
profileParams:$profileParams,expiry:$expiry}) {
\t\tlimitedAccessToken {
\t\t\ttokenHeader
\t\t}
\t}
}
"""
ALLOCATE_IP = """mutation($input: AllocateIPAddressInput!) { allocateIpAddress(input: $input) {
ipAddress { id address type region createdAt } } }"""
RELEASE_IP = """mutation($input: ReleaseIPAddressInput!) { releaseIpAddress(input: $input) {
clientMutationId } }"""

ORGANIZATION_ID = {"id": str, "slug": "personal"}
NUMBER = re.compile(r"\d+")
APP_COMPACT = """query ($appName: String!) { appcompact:app(name: $appName) { id internalNumericId
name hostname cnameTarget deployed network status appUrl platformVersion organization { id
internalNumericId slug paidPlan } postgresAppRole: role { name } } }"""
APP_BASIC = """query ($appName: String!) { appbasic:app(name: $appName) { id name platformVersion
organization { id internalNumericId slug rawSlug paidPlan } } }"""
APPS = """query($org: ID, $after: String) { apps(type: "container", first: 200, after: $after,
organizationId: $org) { pageInfo { hasNextPage endCursor } nodes { id name deployed
hostname platformVersion network organization { slug name } currentRelease { createdAt status }
status } } }"""
RELEASES = """query($appName: String!, $limit: Int!) { app(name: $appName) { releases:
releasesUnprocessed(first: $limit) { nodes { id version description reason status imageRef stable
user { id email name } createdAt } } } }"""
CURRENT_VERSION = """query ($appName: String!) { app(name:$appName) {
currentRelease:currentReleaseUnprocessed { version } } }"""
# This one comes from a generator, which keeps lines and names the operation.
CURRENT_CONFIG = """
query FlyctlConfigCurrentRelease ($appName: String!) {
\tapp(name: $appName) {
\t\tcurrentReleaseUnprocessed {
\t\t\tconfigDefinition
\t\t}
\t}
}
"""
RESOLVE_IMAGE = """query ($appName: String!, $imageRef: String!) { app(name: $appName) { id
image(ref: $imageRef) { id digest ref compressedSize: compressedSizeFull manifest } } }"""
LATEST_IMAGE = """query($image: String!, $flyVersion: String) { latestImageDetails(image: $image,
flyVersion: $flyVersion) { registry repository tag version digest } }"""
IPS = """query ($appName: String!) { app(name: $appName) { ipAddresses { nodes { id address type
region createdAt network { name organization { slug } } serviceName } } sharedIpAddress } }"""
EGRESS = """query ($appName: String!) { app(name: $appName) { egressIpAddresses { nodes { id ip
version region updatedAt } } } }"""
MACHINE_EGRESS = """query ($appName: String!) { app(name: $appName) { machines { nodes { id
egressIpAddresses { nodes { id ip version region updatedAt } } } } } }"""
MACHINE = """query ($machineId: String!) { gqlmachine:machine(machineId: $machineId) { id name app
{ name organization { id slug } } } }"""
CERTIFICATES = """query($appName: String!) { appcertscompact:app(name: $appName) { certificates {
nodes { createdAt hostname clientStatus } } } }"""
SECRETS = (
    """query ($appName: String!) { app(name: $appName) { secrets { name digest createdAt } } }"""
)
ISSUES = """query($appName: String!) { apphostissues:app(name: $appName) { hostIssues { nodes {
internalId message createdAt updatedAt } } } }"""
BLUEGREEN = """query ($appName: String!) { canPerformBluegreenDeployment(name: $appName) }"""
ORGANIZATIONS = """query($admin: Boolean!) { organizations(admin: $admin) { nodes { id slug rawSlug
name type paidPlan billable viewerRole internalNumericId } } }"""
ORGANIZATION = """query($slug: String!) { organization(slug: $slug) { id internalNumericId slug
rawSlug name type billable } }"""
VIEWER = (
    """query { viewer { ... on User { id email enablePaidHobby } ... on Macaroon { email } } }"""
)
REGIONS = """query { platform { requestRegion regions { name code latitude longitude
gatewayAvailable requiresPaidPlan deprecated } } }"""
NEAREST = """query { nearestRegion { code name gatewayAvailable deprecated } }"""
PEERS = """mutation($input: ValidateWireGuardPeersInput!) { validateWireGuardPeers(input: $input) {
invalidPeerIps } }"""

REGION = {"name": str, "code": str, "gatewayAvailable": bool, "deprecated": bool}


@dataclass(frozen=True)
class Ask:
    """A query, and the shape of ``data``."""

    query: str
    data: Any
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        return {"query": " ".join(self.query.split()), "variables": self.variables or None}


ASKS = {
    "status: the app": Ask(
        APP_COMPACT,
        {
            "appcompact": {
                "id": APP,
                "internalNumericId": int,
                "name": APP,
                "hostname": f"{APP}.fly.dev",
                "cnameTarget": str,
                "deployed": True,
                "network": "default",
                "status": "deployed",
                "appUrl": re.compile(r"http://127\.0\.0\.1:\d+"),
                "platformVersion": "machines",
                "organization": {**ORGANIZATION_ID, "internalNumericId": NUMBER, "paidPlan": bool},
                "postgresAppRole": None,
            }
        },
        {"appName": APP},
    ),
    "volumes: the app": Ask(
        APP_BASIC,
        {
            "appbasic": {
                "id": APP,
                "name": APP,
                "platformVersion": "machines",
                "organization": {
                    **ORGANIZATION_ID,
                    "internalNumericId": NUMBER,
                    "rawSlug": "personal",
                    "paidPlan": bool,
                },
            }
        },
        {"appName": APP},
    ),
    "apps list": Ask(
        APPS,
        {
            "apps": {
                "pageInfo": {"hasNextPage": False, "endCursor": str},
                "nodes": [
                    {
                        "id": str,
                        "name": str,
                        "deployed": bool,
                        "hostname": str,
                        "platformVersion": "machines",
                        "network": str,
                        "organization": {"slug": str, "name": str},
                        "currentRelease": ({"createdAt": TIME, "status": str}, None),
                        "status": str,
                    }
                ],
            }
        },
    ),
    "releases": Ask(
        RELEASES,
        {
            "app": {
                "releases": {
                    "nodes": [
                        {
                            "id": str,
                            "version": int,
                            "description": str,
                            "reason": str,
                            "status": "complete",
                            "imageRef": IMAGE,
                            "stable": True,
                            "user": {"id": str, "email": str, "name": str},
                            "createdAt": TIME,
                        }
                    ]
                }
            }
        },
        {"appName": APP, "limit": 25},
    ),
    "status --json: the version": Ask(
        CURRENT_VERSION, {"app": {"currentRelease": {"version": 1}}}, {"appName": APP}
    ),
    "deploy: the image": Ask(
        RESOLVE_IMAGE,
        {
            "app": {
                "id": APP,
                "image": {
                    "id": re.compile("img_.+"),
                    "digest": re.compile("sha256:[0-9a-f]{64}"),
                    "ref": IMAGE,
                    "compressedSize": NUMBER,
                    "manifest": {"annotations": {}},
                },
            }
        },
        {"appName": APP, "imageRef": IMAGE},
    ),
    "ips list": Ask(
        IPS,
        {"app": {"ipAddresses": {"nodes": [{}, ...]}, "sharedIpAddress": "127.0.0.1"}},
        {"appName": APP},
    ),
    "deploy: egress": Ask(
        EGRESS, {"app": {"egressIpAddresses": {"nodes": [{}, ...]}}}, {"appName": APP}
    ),
    "ips list: egress of Machines": Ask(
        MACHINE_EGRESS,
        {"app": {"machines": {"nodes": [{"id": str, "egressIpAddresses": {"nodes": [{}, ...]}}]}}},
        {"appName": APP},
    ),
    "certificates, the older call": Ask(
        CERTIFICATES,
        {"appcertscompact": {"certificates": {"nodes": [{}, ...]}}},
        {"appName": APP},
    ),
    "secrets, the older call": Ask(
        SECRETS,
        {"app": {"secrets": [{"name": "COLOR", "digest": str, "createdAt": TIME}]}},
        {"appName": APP},
    ),
    "status: host issues": Ask(
        ISSUES, {"apphostissues": {"hostIssues": {"nodes": [{}, ...]}}}, {"appName": APP}
    ),
    "deploy: bluegreen": Ask(BLUEGREEN, {"canPerformBluegreenDeployment": True}, {"appName": APP}),
    "orgs list": Ask(
        ORGANIZATIONS,
        {
            "organizations": {
                "nodes": [
                    {
                        "id": str,
                        "slug": str,
                        "rawSlug": str,
                        "name": str,
                        "type": re.compile("PERSONAL|SHARED"),
                        "paidPlan": bool,
                        "billable": bool,
                        "viewerRole": str,
                        "internalNumericId": NUMBER,
                    }
                ]
            }
        },
        {"admin": False},
    ),
    "an organization": Ask(
        ORGANIZATION,
        {
            "organization": {
                **ORGANIZATION_ID,
                "internalNumericId": NUMBER,
                "rawSlug": "personal",
                "name": str,
                "type": "PERSONAL",
                "billable": bool,
            }
        },
        {"slug": "personal"},
    ),
    "auth whoami": Ask(VIEWER, {"viewer": {"id": str, "email": str, "enablePaidHobby": bool}}),
    "volumes create: regions": Ask(
        REGIONS, {"platform": {"requestRegion": "iad", "regions": [REGION]}}
    ),
    "the nearest region": Ask(NEAREST, {"nearestRegion": {**REGION, "code": "iad"}}),
    "deploy: WireGuard peers": Ask(
        PEERS, {"validateWireGuardPeers": {"invalidPeerIps": []}}, {"input": {"peerIps": []}}
    ),
}


@pytest.mark.parametrize("case", ASKS)
def test_a_query_is_answered(api, answered, case):
    ask = ASKS[case]
    # Encoded by hand: fly-go ends the body with line feeds.
    answer = api.post("/graphql", headers=GRAPHQL, content=json.dumps(ask.body) + "\n\n")
    assert answer.headers["content-type"].startswith("application/json")
    answered(answer, {"data": ask.data})


@pytest.fixture
def asked(api, answered):
    """Ask a query; ``data`` of the answer, which has a shape."""

    def ask(query, variables, shape):
        body = {"query": query, "variables": variables}
        return answered(api.post("/graphql", headers=GRAPHQL, json=body), {"data": shape})["data"]

    return ask


def test_a_machine_whose_app_is_not_known_is_found_by_its_id(asked, walk):
    found = {"id": walk.machines[0], "app": {"name": APP, "organization": ORGANIZATION_ID}}
    asked(MACHINE, {"machineId": walk.machines[0]}, {"gqlmachine": found})


def test_the_definition_of_the_release_comes_back_as_it_was_sent(api, answered, walk):
    body = {
        "query": CURRENT_CONFIG,
        "variables": {"appName": APP},
        "operationName": "FlyctlConfigCurrentRelease",
    }
    answer = answered(api.post("/graphql", headers=JSON, json=body))
    current = answer["data"]["app"]["currentReleaseUnprocessed"]
    assert current == {"configDefinition": walk.definition}


def test_a_token_is_minted_with_its_scheme(api, answered, platform):
    organization = api.get("/api/v1/organizations/personal").json()["organization"]["id"]
    variables = {
        "name": "flyctl deploy token",
        "organizationId": organization,
        "profile": "deploy",
        "profileParams": {"app_id": APP},
        "expiry": "175200h0m0s",
    }
    body = {
        "query": MINT,
        "variables": variables,
        "operationName": "CreateLimitedAccessToken",
    }
    token = {"limitedAccessToken": {"tokenHeader": f"FlyV1 {platform.token}"}}
    shape = {"data": {"createLimitedAccessToken": token}}
    answered(api.post("/graphql", headers=JSON, json=body), shape)


def test_addresses_are_allocated_and_released(asked):
    address = {"id": str, "address": str, "type": "v6", "region": str, "createdAt": TIME}
    wanted = {"input": {"appId": APP, "type": "v6"}}
    made = asked(ALLOCATE_IP, wanted, {"allocateIpAddress": {"ipAddress": address}})
    ip = made["allocateIpAddress"]["ipAddress"]["address"]
    wanted = {"input": {"appId": APP, "ip": ip}}
    asked(RELEASE_IP, wanted, {"releaseIpAddress": {"clientMutationId": None}})


REFUSALS = {
    "no such app": (
        APP_COMPACT,
        {"appName": "nothere"},
        'Could not find App "nothere"',
        "NOT_FOUND",
    ),
    "no such Machine": (MACHINE, {"machineId": "0"}, 'Could not find Machine "0"', "NOT_FOUND"),
    "no such organization": (
        ORGANIZATION,
        {"slug": "x"},
        "Could not find Organization",
        "NOT_FOUND",
    ),
    "no such image": (
        RESOLVE_IMAGE,
        {"appName": APP, "imageRef": "registry.local/till:x"},
        'Could not find image "registry.local/till:x"',
        "UNPROCESSABLE",
    ),
    # flyctl goes on when it reads these two words, and ends otherwise.
    "newer images of others": (
        LATEST_IMAGE,
        {"image": "registry.local/till:v1", "flyVersion": ""},
        "Unknown repository 'registry.local/till:v1'",
        "UNPROCESSABLE",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_there_is_an_error_with_a_code(api, answered, case):
    query, variables, message, code = REFUSALS[case]
    answer = api.post("/graphql", headers=GRAPHQL, json={"query": query, "variables": variables})
    error = {"message": message, "extensions": {"code": code}, "path": [str]}
    answered(answer, {"errors": [error]})


@pytest.mark.parametrize(
    "query",
    ["query { nothing }", "query {", "{ app }", "{ app " * 5000 + "}" * 5000],
    ids=["field", "syntax", "selection", "depth"],
)
def test_what_cannot_be_asked_is_an_error_without_data(api, answered, query):
    answer = api.post("/graphql", headers=GRAPHQL, json={"query": query})
    assert "data" not in answered(answer, {"errors": [{"message": str}]})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"query": 1}', b'{"query": "{x}", "variables": 1}'])
def test_what_is_no_query_is_400(api, answered, body):
    answered(api.post("/graphql", headers=GRAPHQL, content=body), {"error": str}, status=400)
