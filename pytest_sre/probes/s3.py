"""The S3 probe: is a bucket, or an object in it, there for us."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from pytest_sre.probes.answers import ServiceResult
from pytest_sre.probes.faults import Fault, fault_of, missing_extra, one_line
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S

try:
    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        NoCredentialsError,
        PartialCredentialsError,
        ReadTimeoutError,
    )
except ImportError:
    raise missing_extra("s3", "s3") from None

_OUR_CREDENTIALS = frozenset({401, 403})


async def probe_s3(
    bucket: str,
    key: str | None = None,
    *,
    endpoint_url: str | None = None,
    region: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> ServiceResult:
    """Ask for a bucket's head, or for the first byte of an object in it.

    Credentials are found as boto3 finds them: the environment, the shared file, the role.

    Args:
        bucket: its name.
        key: the object to get; the bucket alone when not given.
        endpoint_url: of a store that is not Amazon's, such as Tigris.
        region: the bucket's region, as boto3 finds it when not given.
        timeout_s: for the connection, and again for the answer.
    """
    place = f"{bucket}/{key}" if key else bucket
    blank = ServiceResult(at=time.time(), service="s3", place=place)
    started = time.perf_counter()
    try:
        answer_s = await asyncio.to_thread(_ask, bucket, key, endpoint_url, region, timeout_s)
    except (BotoCoreError, ClientError, OSError) as error:
        return blank.failed_by(_fault(error), time.perf_counter() - started)
    return msgspec.structs.replace(blank, total_s=time.perf_counter() - started, answer_s=answer_s)


def _ask(
    bucket: str, key: str | None, endpoint_url: str | None, region: str | None, timeout_s: float
) -> float:
    config = Config(
        connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1}
    )
    client = boto3.session.Session().client(
        "s3", endpoint_url=endpoint_url, region_name=region, config=config
    )
    try:
        asked = time.perf_counter()
        _send(client, bucket, key)
        return time.perf_counter() - asked
    finally:
        client.close()


def _send(client: BaseClient, bucket: str, key: str | None) -> None:
    if key is None:
        client.head_bucket(Bucket=bucket)
        return
    answer = client.get_object(Bucket=bucket, Key=key)
    with answer["Body"] as body:
        body.read(1)


def _fault(error: Exception) -> Fault:
    match error:
        case ClientError():
            return _answered(error.response)
        case NoCredentialsError() | PartialCredentialsError():
            return Fault("auth", True, one_line(error))
        case ConnectTimeoutError() | ReadTimeoutError():
            return Fault("timeout", False, "no answer in time")
    return fault_of(error)


def _answered(response: Mapping[str, Any]) -> Fault:
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    told = response["Error"]
    text = f"HTTP {status}: {told.get('Code', '')} {told.get('Message', '')}".strip()
    own = status in _OUR_CREDENTIALS
    return Fault("auth" if own else "answer", own, one_line(Exception(text)))
