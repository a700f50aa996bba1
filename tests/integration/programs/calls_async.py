"""An asyncio server whose requests call on, with a task in the background that calls too. Usage: calls_async.py PORT [BACKGROUND-URL]"""

import asyncio
import sys
import urllib.parse


async def fetch(url):
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    await reader.read()
    writer.close()


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            for url in urllib.parse.parse_qs(target.split("?", 1)[1]).get("url", []):
                await fetch(url)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def background(url):
    for i in range(1_000_000):
        await fetch(f"{url}{i}")
        await asyncio.sleep(0.004)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    if len(sys.argv) > 2:
        asyncio.get_running_loop().background = asyncio.create_task(background(sys.argv[2]))
    await server.serve_forever()


asyncio.run(main())
