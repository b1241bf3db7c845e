"""Serves it: over TCP on loopback and, when wanted, over a unix socket."""

import asyncio
import hashlib
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web

from github_double import answers, graph, shapes
from github_double.answers import STATE, MovedError, RefusedError, State
from github_double.faults import Fault
from github_double.limits import Limits
from github_double.projects import Project
from github_double.world import Access, InvalidError, Repository

TOKEN = "token-of-octo"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        method, path, query: what was asked.
        at: when it arrived, Unix seconds.
        request: the body that was sent.
        status, answer, content_type: what came back; status 0 when nothing did.
        fault: what went wrong with it; empty when nothing did.
    """

    method: str
    path: str
    query: str
    at: float
    request: str = ""
    status: int = 0
    answer: str = ""
    content_type: str = ""
    fault: str = ""

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


class GithubDouble:
    """A GitHub on loopback with one repository, ``acme/shop``, and one token that may write.

    Args:
        socket: a path for a unix socket that serves the same.
        prefix: what paths begin with, as ``/api/v3`` on GitHub Enterprise.
        seed: of the dice that throw faults.
        keeps: how many exchanges are kept.
    """

    def __init__(
        self,
        *,
        socket: Path | None = None,
        prefix: str = "",
        seed: int = 0,
        keeps: int = 50_000,
    ) -> None:
        self.state = State()
        self.repository = self.add("acme", "shop")
        self.token = TOKEN
        self.state.tokens[TOKEN] = Access("octo-bot")
        self.faults: list[Fault] = []
        self.exchanges: deque[Exchange] = deque(maxlen=keeps)
        self.url = ""
        self._socket, self._prefix = socket, prefix
        self.state.prefix = prefix
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="github double", daemon=True)
        self._is_up = threading.Event()
        self._stop = asyncio.Event()

    @property
    def limits(self) -> Limits:
        return self.state.limits

    def add(self, owner: str, name: str) -> Repository:
        """Serve one repository more."""
        repository = Repository(owner, name, id=1001 + len(self.state.repositories))
        self.state.repositories[repository.full_name] = repository
        return repository

    def add_project(self, owner: str, number: int) -> Project:
        """Serve a project."""
        project = Project(owner, number)
        self.state.projects[owner, number] = project
        return project

    def allow(self, token: str, access: Access) -> str:
        """Let a token do something."""
        self.state.tokens[token] = access
        return token

    def rename(self, repository: Repository, owner: str, name: str) -> None:
        """Give a repository another name; the old one redirects."""
        old = repository.full_name
        del self.state.repositories[old]
        repository.owner, repository.name = owner, name
        self.state.repositories[repository.full_name] = repository
        self.state.moved[old] = repository

    def asked(self, method: str = "", path: str = "") -> list[Exchange]:
        """What was asked so far."""
        fits = (each for each in list(self.exchanges) if method in ("", each.method))
        return [each for each in fits if path in each.path]

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait(60)
        assert self.url, "the server does not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        if self._socket:
            await web.UnixSite(runner, str(self._socket)).start()
        _, port = runner.addresses[0][:2]
        self.url = f"http://127.0.0.1:{port}{self._prefix}"
        self._is_up.set()
        await self._stop.wait()
        await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._around], client_max_size=2**24)
        application[STATE] = self.state
        for method, path, handler in answers.OF_REPOSITORY:
            for home in ("/repos/{owner}/{repo}", "/repositories/{id:[0-9]+}"):
                application.router.add_route(method, f"{self._prefix}{home}{path}", handler)
        for method, path, handler in answers.OTHERS:
            application.router.add_route(method, self._prefix + path, handler)
        # On GitHub Enterprise it is beside /api/v3, not below it.
        of_graphs = f"{self._prefix.removesuffix('/v3')}/graphql"
        application.router.add_post(of_graphs, graph.answer)
        return application

    @web.middleware
    async def _around(self, request: web.Request, handler: answers.Handler) -> web.StreamResponse:
        try:
            at, sent = time.time(), await request.text()
        except ConnectionResetError:  # who asked was killed meanwhile
            return web.Response(status=499)
        fault = next(
            (f for f in self.faults if f.meets(request.method, request.path, self._chance)), None
        )
        answer = None
        if fault is None or not fault.is_before:
            answer = await self._answer(request, handler)
        given = await fault.strike(request, answer) if fault else answer
        assert given is not None
        is_seen = fault is None or fault.kind == "slow"
        self.exchanges.append(
            Exchange(
                request.method,
                request.path.removeprefix(self._prefix),
                request.query_string,
                at,
                sent,
                given.status,
                (given.text or "") if isinstance(given, web.Response) and is_seen else "",
                given.headers.get("content-type", ""),
                fault.kind if fault else "",
            )
        )
        return given

    async def _answer(self, request: web.Request, handler: answers.Handler) -> web.Response:
        try:
            self._admit(request)
            answer = _with_etag(request, await handler(request))
            if answer.status == 304:
                self.limits.forgive()
        except RefusedError as error:
            body = shapes.error(error.message, error.status)
            answer = web.json_response(body, status=error.status, headers=error.headers)
        except InvalidError as error:
            body = shapes.error("Validation Failed", 422, error.errors)
            answer = web.json_response(body, status=422)
        except MovedError as error:
            answer = _moved(request, error.repository)
        except web.HTTPNotFound:
            answer = web.json_response(shapes.error("Not Found", 404), status=404)
        answer.headers.update(self.limits.headers())
        answer.headers["x-github-media-type"] = "github.v3; format=json"
        return answer

    def _admit(self, request: web.Request) -> None:
        """Say who asks, and whether they ask too much."""
        answers.access_of(request)
        if request.path.endswith("/rate_limit"):
            return
        refused = self.limits.answer(is_write=request.method == "POST")
        if refused:
            raise RefusedError(*refused)


def _with_etag(request: web.Request, answer: web.Response) -> web.Response:
    """Let a client that has it already go without the body."""
    if request.method != "GET" or answer.status != 200:
        return answer
    tag = hashlib.sha256((answer.text or "").encode()).hexdigest()
    answer.headers["etag"] = f'W/"{tag}"'
    if request.headers.get("if-none-match", "").removeprefix("W/").strip('"') == tag:
        return web.Response(status=304, headers={"etag": f'W/"{tag}"'})
    return answer


def _moved(request: web.Request, repository: Repository) -> web.Response:
    """A GET is told for good, a write for once: it has to be made again, as it was."""
    old = f"/repos/{request.match_info['owner']}/{request.match_info['repo']}"
    rest = request.path_qs.partition(old)[2]
    url = f"{answers.base_of(request)}/repositories/{repository.id}{rest}"
    is_read = request.method == "GET"
    said = "Moved Permanently" if is_read else "Temporary Redirect"
    body = {"message": said, "url": url, "documentation_url": shapes.DOCS}
    status = 301 if is_read else 307
    return web.json_response(body, status=status, headers={"location": url})
