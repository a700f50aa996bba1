"""An ASGI application for the truth tests; same paths as server.go where they make sense."""

import asyncio
import json
import os

LOG = open(os.environ["TRUTH_LOG"], "a", buffering=1)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    last = path.rsplit("/", 1)[1]
    number = int(last) if last.isdigit() else 0
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, answer, chunked = 200, b"", False
    if path.startswith("/echo"):
        answer = body
    elif path.startswith("/status/"):
        status = number
    elif path.startswith("/bytes/"):
        answer = b"x" * number
    elif path.startswith("/chunked/"):
        answer, chunked = b"x" * number, True
    elif path.startswith("/slow/"):
        await asyncio.sleep(number / 1000)
    headers = [] if chunked or status in (204, 304) else [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if chunked:
        half = len(answer) // 2
        await send({"type": "http.response.body", "body": answer[:half], "more_body": True})
        await send({"type": "http.response.body", "body": answer[half:]})
    else:
        await send({"type": "http.response.body", "body": answer})
    target = path + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
    LOG.write(json.dumps({"method": scope["method"], "target": target, "status": status}) + "\n")
