"""What every request passes first: the right host and origin, a body of bounded size; and headers for the answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BODY_BYTES = 64 * 1024

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"), (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"), (b"x-frame-options", b"DENY"),
]  # fmt: skip


def known_hosts(host: str) -> set[str]:
    """Names a browser may call the server by."""
    return {"localhost", "127.0.0.1", "::1"} | ({host} if host not in ("0.0.0.0", "::") else set())


class Guard:
    """ASGI application around another one."""

    def __init__(self, app: Any, hosts: set[str], *, any_address: bool = False) -> None:
        self.app, self.hosts, self.any_address = app, hosts, any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {k.decode("latin1").lower(): v.decode("latin1") for k, v in scope["headers"]}
        if not self._knows(headers.get("host", "")):
            await _refuse(send, 421, "host", headers.get("host", "")[:100], "the address this server was started with")
            return
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            site = headers.get("sec-fetch-site", "same-origin")
            if (origin is not None and urlsplit(origin).netloc != headers.get("host")) or site not in (
                "same-origin", "none",
            ):  # fmt: skip
                await _refuse(send, 403, "origin", str(origin)[:100], "a page of this server")
                return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            await _refuse(send, 413, "body", f"{length[:20]} bytes", f"at most {MOST_BODY_BYTES} bytes")
            return
        body = b""
        while True:  # a body without a length is counted as it comes
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > MOST_BODY_BYTES:
                await _refuse(send, 413, "body", "a longer one", f"at most {MOST_BODY_BYTES} bytes")
                return
            if not message.get("more_body"):
                break
        given = False

        async def read() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                told = [*message.get("headers", []), *HEADERS]
                if not any(name.lower() == b"cache-control" for name, _ in told):
                    told.append((b"cache-control", b"no-cache"))  # files keep their names from release to release
                message = {**message, "headers": told}
            await send(message)

        await self.app(scope, read, answer)

    def _knows(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.hosts:
            return True
        return self.any_address and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(send: Send, status: int, where: str, found: str, wanted: str) -> None:
    import orjson

    body = orjson.dumps({"problems": [{"where": where, "found": found, "wanted": wanted, "hint": ""}]})
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
