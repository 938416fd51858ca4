"""A desk as another team sees it: NATS, JSON, and the page of the contract. Nothing of Guichet is imported here."""

import json
import uuid

import nats

CALLER = "guichet.v1.cmd.default.python"
ANSWER_WITHIN_S = 15

# Code word -> number, as the contract lists them.
NUMBERS = {
    "malformed": 400, "bad_subject": 400, "validation_failed": 422, "not_found": 404, "version_conflict": 409,
    "terminal_state": 409, "invalid_transition": 409, "duplicate": 409, "command_id_reused": 409, "forbidden": 403,
    "already_merged": 409, "guard_failed": 409, "payload_too_large": 413, "busy": 429, "unavailable": 503, "unsupported": 501,
}


def step(what):
    print("ok: " + what, flush=True)


def same(found, expected, what):
    assert found == expected, "%s: expected %r, found %r" % (what, expected, found)


class Desk:
    def __init__(self, connection):
        self.nc = connection
        # The position of the last accepted command: what this desk must find in every later answer.
        self.written = 0

    @classmethod
    async def connect(cls, url):
        return cls(await nats.connect(url, connect_timeout=10))

    async def request(self, subject, payload):
        """The body and the headers of the answer to raw bytes."""
        answer = await self.nc.request(subject, payload, timeout=ANSWER_WITHIN_S)
        return json.loads(answer.data), answer.headers or {}

    async def send(self, entity, verb, data, **envelope):
        """Sends one command; what is not given is as a service of agent alice would say it."""
        command = {"command_id": str(uuid.uuid4()), "actor": {"kind": "agent", "id": "alice"}, "data": data}
        command.update(envelope)
        return await self.request("%s.%s.%s" % (CALLER, entity, verb), json.dumps(command).encode())

    async def accepted(self, entity, verb, data, **envelope):
        body, headers = await self.send(entity, verb, data, **envelope)
        assert body["ok"], "%s was refused: %r" % (verb, body)
        assert "Nats-Service-Error-Code" not in headers, headers
        same(headers.get("Content-Type"), "application/json", "the answer is in the encoding of the request")
        self.written = max(self.written, body["position"])
        return body

    async def query(self, name, question):
        body, _ = await self.request("guichet.v1.query.default.python." + name, json.dumps(question).encode())
        assert body["ok"], "query %s %r was refused: %r" % (name, question, body)
        return body

    async def query_written(self, name, question):
        """An answer that knows of all that was accepted: who does not ask for that may be told `not_found`."""
        return await self.query(name, dict(question, min_position=self.written, wait_ms=10000))

    async def ticket(self, ticket_id, position):
        """The ticket at least as of a position: reads its own writes."""
        question = {"ticket_id": ticket_id, "min_position": position, "wait_ms": 10000}
        body = await self.query("ticket", question)
        assert body["as_of_position"] >= position, body
        return body["data"]


def refused(answer, code, field=None, what="a request"):
    """Checks the three places that say why: the headers, the body, and the field. Returns the error."""
    body, headers = answer
    same(body["ok"], False, "%s must be refused with %s; answer %r" % (what, code, body))
    error = body["error"]
    same(error["code"], code, "%s: code of %r" % (what, error))
    same(headers.get("Nats-Service-Error"), code, "the header has the code word and no text of a user")
    same(headers.get("Nats-Service-Error-Code"), str(NUMBERS[code]), "number of " + code)
    assert error["message"], error
    if field is not None:
        same(error["field"], field, "field of %r" % error)
    return error


def new_ticket(**more):
    ticket = {
        "subject": "VPN drops", "description": "Every ten minutes since Monday.", "channel": "email",
        "requester": {"id": "customer-7", "name": "Ada", "email": "ada@example.org", "kind": "customer"},
        "category": "technical/network", "tags": ["vpn"], "group": "first-line",
    }
    ticket.update(more)
    return ticket
