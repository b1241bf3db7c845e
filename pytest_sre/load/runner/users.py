"""The closed workload, by locust: users who walk journeys, or those of a locustfile."""

import contextlib
import math
import random
from collections.abc import Callable
from typing import Any

import locust
from gevent.event import Event
from locust.argument_parser import get_parser
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from locust.runners import LocalRunner
from locust.user.users import HttpUser
from locust.util.load_locustfile import load_locustfile

from pytest_sre.load.frames import Order
from pytest_sre.load.naming import host_of, request_name
from pytest_sre.load.plan import Closed
from pytest_sre.load.runner.counting import Counter, Origin, Run, Trouble
from pytest_sre.load.runner.hosts import Hosts
from pytest_sre.load.runner.journeys import Walker
from pytest_sre.probes.faults import fault_of

_FASTEST_RAMP_S = 0.01
_SHOWN = 300


class Users:
    """Locust's users in this process, spawned and stopped by locust's own runner.

    Args:
        halt: set when the load is to end.
        spend: called before each request of a locustfile; raises to refuse it.
        hosts: what a locustfile may ask.
    """

    def __init__(
        self,
        order: Order,
        walker: Walker,
        counter: Counter,
        halt: Event,
        spend: Callable[[], None],
        hosts: Hosts,
    ) -> None:
        self._order, self._walker, self._counter, self._halt = order, walker, counter, halt
        self._spend, self._hosts = spend, hosts
        workload = order.plan.workload
        if not isinstance(workload, Closed):
            raise TypeError(f"expected users, found {workload}")
        self._workload = workload
        self._count = _share(workload.users, order.worker, order.workers)
        self._runner: LocalRunner | None = None
        self._environment = self._environment_of(order)

    @property
    def in_flight(self) -> int:
        """Users there are."""
        return self._runner.user_count if self._runner else 0

    def make(self) -> None:
        """Let the users come, and wait until the load has lasted, or is halted."""
        if not self._await(0.0):
            return
        runner = self._runner = self._environment.create_local_runner()
        self._fire(self._environment.events.init, runner=runner, web_ui=None)
        if self._environment.shape_class:
            runner.start_shape()
        elif self._count:
            per_s = self._count / max(self._workload.ramp_s, _FASTEST_RAMP_S)
            runner.start(self._count, spawn_rate=per_s)
        self._await(self._workload.duration_s)

    def settle(self, within_s: float) -> None:
        """Stop the users; each may end what it does within this time."""
        if self._runner:
            self._environment.stop_timeout = within_s
            self._runner.stop()
            self._fire(self._environment.events.quitting, reverse=True)

    def _fire(self, event: Any, **told: object) -> None:  # noqa: ANN401 - locust's are untyped
        event.fire(environment=self._environment, **told)

    def _await(self, at_s: float) -> bool:
        left_s = at_s - self._counter.now_s()
        return left_s <= 0 or not self._halt.wait(left_s)

    def _environment_of(self, order: Order) -> Environment:
        if not order.plan.locustfile:
            return Environment(user_classes=[self._walking()], host=order.base_url)
        classes, shapes = load_locustfile(order.plan.locustfile)
        if not classes:
            raise LookupError(f"{order.plan.locustfile} has no user class that locust could run")
        environment = Environment(
            user_classes=[self._marked(one) for one in classes.values()],
            shape_class=shapes[0] if shapes else None,
            events=locust.events,
            host=order.base_url,
            locustfile=order.plan.locustfile,
            parsed_options=get_parser(default_config_files=[]).parse_args([]),
        )
        events: Any = environment.events
        events.request.add_listener(self._requested)
        events.user_error.add_listener(self._crashed)
        return environment

    def _walking(self) -> type[locust.User]:
        plan, walker, counter = self._order.plan, self._walker, self._counter
        names, weights = list(plan.mix), list(plan.mix.values())
        choice = random.Random(f"mix {plan.seed} {self._order.worker}")  # noqa: S311

        class Walking(locust.User):
            wait_time = locust.constant(self._workload.pause_s)

            @locust.task
            def walk(self) -> None:
                name = choice.choices(names, weights)[0]
                walker.walk(Run(name, counter.now_s()), planned=False)

        return Walking

    def _marked(self, users: type[Any]) -> type[Any]:
        """Let the requests of these users carry the plan's headers, and be counted against caps."""
        headers, spend, hosts = dict(self._order.plan.headers), self._spend, self._hosts
        if issubclass(users, FastHttpUser):
            users.default_headers = {**(users.default_headers or {}), **headers}
        begin = users.__init__

        def marked(user: Any, *args: Any) -> None:  # noqa: ANN401 - locust's signature
            begin(user, *args)
            if isinstance(user, HttpUser):
                user.client.headers.update(headers)
            if isinstance(user, HttpUser | FastHttpUser):
                _spending(user.client, spend)
                _guard(user, hosts)

        users.__init__ = marked
        return users

    def _requested(
        self,
        request_type: str,
        name: str,
        response_time: float,
        exception: BaseException | None = None,
        response: object = None,
        **_: object,
    ) -> None:
        took_s = response_time / 1000
        due_s = max(0.0, self._counter.now_s() - took_s)
        origin = _origin(response)
        run = Run("locustfile", due_s)
        label = request_name(request_type, name) if name.startswith("/") else _own(name)
        trouble = _trouble(exception, origin) if exception else None
        self._counter.requested(run, label, took_s, trouble, origin)

    def _crashed(self, user_instance: object, exception: BaseException, **_: object) -> None:
        run = Run("locustfile", max(0.0, self._counter.now_s()))
        text = f"{type(user_instance).__name__}: {type(exception).__name__}: {exception}"
        self._counter.began(run, planned=False)
        self._counter.ended(run, 0.0, Trouble("crash", text[:_SHOWN], is_own=True))


def _spending(client: Any, spend: Callable[[], None]) -> None:  # noqa: ANN401 - of two kinds
    send = client.request

    def request(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        spend()
        return send(*args, **options)

    client.request = request


class _GuardedPool:
    """The connections of a client, none of them to a host that may not be asked."""

    def __init__(self, pool: Any, hosts: Hosts) -> None:  # noqa: ANN401 - the library's
        self._pool, self._hosts = pool, hosts

    def get_client(self, url: Any) -> object:  # noqa: ANN401
        self._hosts.require(host_of(f"{url.scheme}://{url.netloc}"))
        return self._pool.get_client(url)

    def close(self) -> None:
        self._pool.close()


def _guard(user: Any, hosts: Hosts) -> None:  # noqa: ANN401 - of two kinds
    """Let a user ask no other host, not even one that an answer sends it to."""
    if isinstance(user, FastHttpUser):
        agent: Any = user.client.client
        agent.clientpool = _GuardedPool(agent.clientpool, hosts)
        return
    adapter_of = user.client.get_adapter

    def get_adapter(url: str) -> object:
        hosts.require(host_of(url))
        return adapter_of(url)

    user.client.get_adapter = get_adapter


def _origin(response: object) -> Origin:
    headers = getattr(response, "headers", None) or {}

    def told(name: str) -> str:
        with contextlib.suppress(Exception):
            return str(headers.get(name) or "")
        return ""

    return Origin(
        status=int(getattr(response, "status_code", 0) or 0),
        machine=told("fly-machine-id"),
        region=told("fly-region"),
        request_id=told("fly-request-id"),
    )


def _trouble(error: BaseException, origin: Origin) -> Trouble:
    if origin.status:
        return Trouble(f"http-{origin.status}", str(error)[:_SHOWN])
    fault = fault_of(error)
    return Trouble(fault.kind, fault.text, fault.own)


def _own(name: str) -> str:
    """A name that the locustfile gave itself."""
    return name[:_SHOWN]


def _share(whole: int, worker: int, workers: int) -> int:
    return math.floor(whole / workers) + (worker < whole % workers)
