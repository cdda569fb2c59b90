"""The upstream: answers what the query asks for, and says that it was it."""

import asyncio
import sys
import zlib
from urllib.parse import parse_qs, urlsplit


async def read_body(reader, headers):
    """Length and CRC of what came."""
    size, crc = 0, 0

    async def take(n):
        nonlocal size, crc
        while n:
            piece = await reader.read(min(n, 1 << 16))
            if not piece:
                raise asyncio.IncompleteReadError(b"", n)
            size, crc, n = size + len(piece), zlib.crc32(piece, crc), n - len(piece)

    if headers.get("transfer-encoding") == "chunked":
        while n := int(await reader.readline(), 16):
            await take(n)
            await reader.readexactly(2)
        await reader.readline()
    else:
        await take(int(headers.get("content-length", 0)))
    return size, crc


async def echo(reader, writer):
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
    while piece := await reader.read(1 << 16):
        writer.write(piece)
        await writer.drain()


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            target = urlsplit(line.split()[1].decode())
            headers = {}
            while (line := await reader.readline()) not in (b"\r\n", b""):
                name, value = line.decode("latin-1").split(":", 1)
                headers[name.lower()] = value.strip()

            if "upgrade" in headers:
                return await echo(reader, writer)

            size, crc = await read_body(reader, headers)
            ask = {k: v[0] for k, v in parse_qs(target.query).items()}
            await asyncio.sleep(float(ask.get("delay", 0)))

            told = f"X-Upstream: {size}-{crc:08x}".encode()
            body = told.ljust(int(ask.get("size", 20)))
            writer.write(f"HTTP/1.1 {ask.get('status', 200)} Chaos\r\nContent-Length: {len(body)}\r\n".encode()
                         + told + b"\r\n\r\n" + body)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_unix_server(serve, sys.argv[1], backlog=1024, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
