"""A locustfile as people write them; it knows nothing of us."""

from locust import FastHttpUser, HttpUser, constant, events, task


@events.test_start.add_listener
def remember(environment, **_):
    environment.was_started = True


class Browser(HttpUser):
    wait_time = constant(0.05)

    @task(3)
    def browse(self):
        self.client.get("/items/1")

    @task
    def fail(self):
        with self.client.get("/items", name="an item", catch_response=True) as response:
            response.failure("not good enough")


class Buyer(FastHttpUser):
    wait_time = constant(0.05)
    host = "http://192.0.2.1:1"

    def on_start(self):
        assert self.environment.was_started
        self.client.get("/session")

    @task
    def buy(self):
        self.client.post("/carts", json={"a": 1})
        self.client.get("/unavailable")
