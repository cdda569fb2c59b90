"""Clients of all kinds.  Each request of each of them ends in the tally."""

import asyncio
import collections
import itertools
import json
import os
import random
import shutil
import socket
import struct
import time
import zlib

import http2

TIMEOUT = 40            # s: an answer that has not come then never will


class Closed(Exception):
    """The connection ended; answered says whether a byte of the answer had come."""

    def __init__(self, bytes_came):
        super().__init__("closed")
        self.bytes_came = bytes_came


class Tally:
    def __init__(self, gateway):
        self.gateway = gateway
        self.count = collections.Counter()
        self.wrong = []
        self.began = time.monotonic()
        self.running = asyncio.Event()
        self.running.set()
        self.busy = 0
        self.over = False

    def fail(self, what):
        self.count["wrong"] += 1
        if len(self.wrong) < 100:
            self.wrong.append(f"{time.monotonic() - self.began:8.3f} {what}")

    def answer(self, kind, status, head, polite, want=None):
        """want: what the upstream must have seen of the body."""
        self.count[f"answered {status}"] += 1
        upstream = b"x-upstream" in head.lower() or b"upgrade: echo" in head.lower()
        if status >= 500 and not upstream:
            self.fail(f"{kind}: {status} that is not the upstream's")
        if status in (429,) and polite:
            self.fail(f"{kind}: refused without a cause: {head[:300]!r}")
        if status == 400 or status == 0:
            self.fail(f"{kind}: {status} {head[:200]!r}")
        if want and status == 200 and want.encode() not in head:
            self.fail(f"{kind}: the upstream saw another body than {want}: {head[:300]!r}")

    def cut(self, kind, port, bytes_came, reused):
        """A connection that the client did not end."""
        if port in self.gateway.cut:
            self.count["cut by a killed worker"] += 1
        elif reused and not bytes_came:
            self.count["closed while idle"] += 1        # as HTTP/1.1 allows: to be asked again
        else:
            self.fail(f"{kind}: closed without an answer, port {port}, {bytes_came} bytes came, "
                      f"{'reused' if reused else 'new'}")


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.port = writer.get_extra_info("sockname")[1]
        self.used = 0

    @classmethod
    async def open(cls, port, small=False):
        if not small:
            return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=4096))

    def close(self, abort=False):
        if abort:
            sock = self.writer.get_extra_info("socket")
            if not self.writer.transport.is_closing():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()

    async def answer(self, pause=0):
        """Status, head, whether it goes on.  Raises Closed."""
        head = b""
        try:
            while True:
                line = await self.reader.readline()
                if not line.endswith(b"\n"):
                    raise Closed(len(head) + len(line))
                head += line
                if line == b"\r\n":
                    if not head.startswith(b"HTTP/1.1 100"):
                        break
                    head = b""
            fields = dict(line.lower().split(b": ", 1) for line in head[:-4].split(b"\r\n")[1:])
            if b"chunked" in fields.get(b"transfer-encoding", b""):
                while n := int(await self.reader.readline(), 16):
                    await self.reader.readexactly(n + 2)
                await self.reader.readline()
            else:
                left = int(fields.get(b"content-length", 0))
                while left:
                    piece = await self.reader.read(min(left, 2048 if pause else 1 << 16))
                    if not piece:
                        raise Closed(len(head))
                    left -= len(piece)
                    if pause:
                        await asyncio.sleep(pause)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            raise Closed(len(head)) from None
        self.used += 1
        return int(head.split()[1]), head, fields.get(b"connection") != b"close"


serial = itertools.count(1)


def request(target, method="GET", headers=(), body=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"X-Id: {next(serial)}", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def chunked(body, size):
    return b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size])
                    for i in range(0, len(body), size)) + b"0\r\n\r\n"


def seen(body):
    return f"{len(body)}-{zlib.crc32(body):08x}"


class Clients:
    """The kinds; each method is one visit of one client."""

    def __init__(self, gateway, seed):
        self.gateway, self.seed = gateway, seed
        self.tally = Tally(gateway)
        self.tasks = []
        self.big = random.Random(seed).randbytes(10 << 20)

    # One after the other on a connection, none like another, none over a limit.

    async def polite(self, rng, who):
        c = await Connection.open(self.gateway.port)
        for _ in range(rng.randrange(1, 60)):
            body = rng.randbytes(rng.choice((0, 10, 5000, 100000))) if rng.random() < 0.3 else None
            ask = rng.choice(("", "&status=404", "&delay=0.05", "&size=50000", "&status=503"))
            where = rng.choice(("/a", "/up/a", "/slow/a", "/other/a"))
            raw = request(f"{where}?n={next(serial)}{ask}", "POST" if body is not None else "GET",
                          (f"Authorization: Bearer {who}",), body)
            if not await self.ask(c, "polite", raw, True, seen(body) if body is not None else None):
                return
        c.close()

    async def ask(self, c, kind, raw, polite=False, want=None, pause=0):
        """True if the connection goes on."""
        try:
            c.writer.write(raw)
            status, head, more = await asyncio.wait_for(c.answer(pause), TIMEOUT)
        except (OSError, Closed) as e:
            self.tally.cut(kind, c.port, getattr(e, "bytes_came", 0), c.used)
            c.close()
            return False
        except asyncio.TimeoutError:
            self.tally.fail(f"{kind}: no answer, {raw[:200]!r}")
            c.close(abort=True)
            return False
        self.tally.answer(kind, status, head, polite, want)
        if not more:
            c.close()
        return more

    # The same few requests again and again, of a few users: throttled, blocked.

    async def hammer(self, rng, who):
        c = await Connection.open(self.gateway.port)
        for _ in range(rng.randrange(1, 120)):
            raw = request(f"/h?{rng.randrange(40)}&nonce={rng.random()}", "GET",
                          (f"X-User: {who}-{rng.randrange(3)}", f"X-API-Key: {rng.randrange(3)}"))
            if not await self.ask(c, "hammer", raw):
                return
        c.close()

    async def login(self, rng, who):
        c = await Connection.open(self.gateway.port)
        for _ in range(rng.randrange(1, 20)):
            raw = request(f"/login?{next(serial)}&status=401", "POST",
                          (f"X-Login: {rng.randrange(5)}", "Accept: text/html", "Accept-Language: fr"), b"x")
            if not await self.ask(c, "login", raw):
                return
        c.close()

    # Many at once; a worker that shuts down answers some, and says that it closes.

    async def pipelined(self, rng, who):
        c = await Connection.open(self.gateway.port)
        n = rng.randrange(2, 40)
        c.writer.write(b"".join(request(f"/p/{next(serial)}", headers=(f"Authorization: Basic {who}",))
                                if rng.random() < 0.8 else
                                request(f"/p/{next(serial)}", "POST", (), rng.randbytes(rng.randrange(9000)))
                                for _ in range(n)))
        for i in range(n):
            try:
                status, head, more = await asyncio.wait_for(c.answer(), TIMEOUT)
            except (OSError, Closed) as e:
                self.tally.cut("pipelined", c.port, e.bytes_came, c.used)
                self.tally.count["behind an end"] += n - i - 1
                break
            except asyncio.TimeoutError:
                self.tally.fail("pipelined: no answer")
                break
            self.tally.answer("pipelined", status, head, True)
            if not more:
                self.tally.count["behind an end"] += n - i - 1
                break
        c.close()

    async def slow(self, rng, who):
        c = await Connection.open(self.gateway.port, small=True)
        body = rng.randbytes(rng.randrange(1, 3000))
        raw = request(f"{rng.choice(('/s', '/up/s'))}?n={next(serial)}&size={rng.randrange(1, 60000)}", "POST",
                      (f"Authorization: Bearer {who}",), body)
        try:
            while raw:
                n = rng.randrange(1, 400)
                c.writer.write(raw[:n])
                raw = raw[n:]
                await asyncio.sleep(rng.random() / 10)
        except OSError:
            pass
        await self.ask(c, "slow", b"", True, seen(body), pause=0.01)
        c.close()

    # They leave: at any byte of what they send, or of what they get.

    async def aborted(self, rng, who):
        c = await Connection.open(self.gateway.port)
        body = rng.randbytes(rng.choice((0, 100, 20000, 2000000)))
        raw = request(f"{rng.choice(('/x', '/up/x', '/slow/x'))}?n={next(serial)}&delay={rng.choice((0, 0.2))}"
                      f"&size={rng.choice((10, 1000000))}", "POST", (f"X-User: {rng.randrange(9)}",), body)
        try:
            c.writer.write(raw[:rng.choice((rng.randrange(len(raw)), len(raw)))])
            await asyncio.sleep(rng.choice((0, 0.001, 0.05, 0.3)))
        finally:
            c.close(abort=rng.random() < 0.5)
        self.tally.count["closed by the client"] += 1

    async def large(self, rng, who):
        c = await Connection.open(self.gateway.port)
        body = self.big if rng.random() < 0.5 else self.big[:rng.randrange(1, len(self.big))]
        where, leave = rng.choice(("/l", "/up/l")), rng.random() < 0.2
        headers = (f"Authorization: Bearer {who}",)
        if rng.random() < 0.3:
            raw = request(f"{where}?n={next(serial)}", "PUT", (*headers, "Transfer-Encoding: chunked"))
            raw += chunked(body, rng.randrange(1000, 300000))
        else:
            raw = request(f"{where}?n={next(serial)}", "PUT", headers, body)
        try:
            part = raw[:rng.randrange(len(raw))] if leave else raw
            for i in range(0, len(part), 1 << 18):
                c.writer.write(part[i:i + (1 << 18)])
                await asyncio.wait_for(c.writer.drain(), TIMEOUT)
        except (OSError, asyncio.TimeoutError):
            pass
        if leave:
            self.tally.count["closed by the client"] += 1
        else:
            await self.ask(c, "large", b"", True, seen(body))
        c.close(abort=leave)

    async def websocket(self, rng, who):
        c = await Connection.open(self.gateway.port)
        c.writer.write(request("/ws", headers=("Upgrade: echo", "Connection: upgrade")))
        try:
            status, head, _ = await asyncio.wait_for(c.answer(), TIMEOUT)
            self.tally.answer("websocket", status, head, True)
            for _ in range(rng.randrange(20) if status == 101 else 0):
                data = rng.randbytes(rng.randrange(1, 3000))
                c.writer.write(data)
                if await asyncio.wait_for(c.reader.readexactly(len(data)), TIMEOUT) != data:
                    self.tally.fail("websocket: other bytes")
                await asyncio.sleep(rng.random() / 10)
        except (OSError, Closed, asyncio.IncompleteReadError):
            self.tally.cut("websocket", c.port, 1, c.used)
        except asyncio.TimeoutError:
            self.tally.fail("websocket: no answer")
        c.close()

    async def h2(self, rng, who):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.h2)
        port = writer.get_extra_info("sockname")[1]
        c = http2.Connection(reader, writer)
        answers = []
        for _ in range(rng.randrange(1, 80)):
            body = rng.randbytes(rng.choice((0, 10, 40000, 1500000))) if rng.random() < 0.3 else None
            user = rng.random() < 0.3
            headers = [(":method", "GET" if body is None else "POST"), (":scheme", "http"),
                       (":authority", "localhost"), (":path", f"/2/{next(serial)}?"
                        + rng.choice(("", "&status=500", "&delay=0.1", "&size=70000"))),
                       ("x-user", f"h2-{rng.randrange(3)}") if user else ("authorization", f"Bearer {who}")]
            stream, answer = c.request(headers, end=body is None)
            try:
                if body is not None:
                    await asyncio.wait_for(c.send(stream, body or b"-"), TIMEOUT)
            except (OSError, asyncio.TimeoutError):
                pass
            if rng.random() < 0.1:
                c.reset(stream)
                self.tally.count["closed by the client"] += 1
                continue
            answers.append((answer, not user, seen(body or b"-") if body is not None else None))
            if rng.random() < 0.3:
                await asyncio.sleep(rng.random() / 20)
        if rng.random() < 0.1:
            self.tally.count["closed by the client"] += len([a for a, *_ in answers if not a.done()])
            return c.close(abort=True)
        for answer, polite, want in answers:
            try:
                status, body = await asyncio.wait_for(answer, TIMEOUT)
            except asyncio.TimeoutError:
                self.tally.fail("HTTP/2: no answer")
                continue
            if status == http2.NOT_TAKEN:
                self.tally.count["behind an end"] += 1
            elif not isinstance(status, int):
                if port in self.gateway.cut:
                    self.tally.count["cut by a killed worker"] += 1
                else:
                    self.tally.fail(f"HTTP/2: {status}")
            else:
                self.tally.answer("HTTP/2", status, body, polite, want)
        c.close()

    async def h3(self, rng, who):
        process = await asyncio.create_subprocess_exec(
            "curl", "-sk", "--http3-only", "--fail-early", "-m", "5", "-o", "/dev/null",
            "-w", "%{http_code} %header{x-upstream}\\n",
            f"https://127.0.0.1:{self.gateway.h3}/3/{rng.random()}?[1-20]",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        out, _ = await process.communicate()
        for line in out.decode().splitlines():
            status, _, upstream = line.partition(" ")
            if status == "000":         # packets of an old worker: nginx has no way to hand them over
                self.tally.count["HTTP/3 connection lost"] += 1
            else:                       # curl may ask again, which is a duplicate
                self.tally.answer("HTTP/3", int(status), b"x-upstream" if upstream else b"", False)
                self.tally.count["answered by HTTP/3"] += 1

    # Who looks at the gateway, lifts blocks, sets them, forgets a client, declares an outage.

    async def admin(self, rng, who):
        try:
            await getattr(self, rng.choice(("look", "lift", "set_block", "forget", "outage")))(rng)
        except (OSError, IndexError, asyncio.TimeoutError):
            self.tally.count["admin without an answer"] += 1     # a killed worker's
        await asyncio.sleep(0.2)

    async def call(self, right, target, method="GET", body=None):
        status, text = await self.gateway.admin_request(f"/guard/api/1/{target}", method, body)
        if status not in right:
            self.tally.fail(f"{method} {target} {body}: {status} {text[:300]}")
        self.tally.count["admin calls"] += 1
        return json.loads(text) if text and status < 300 else {}

    async def look(self, rng):
        await self.gateway.metrics()
        await self.call((200,), rng.choice(("zones", "blocks", "sla/chaos?zone=z")))

    async def lift(self, rng):
        blocks = (await self.call((200,), "blocks?zone=z")).get("blocks", [])
        if blocks:
            # of those that end or are lifted meanwhile there is nothing left to lift
            await self.call((200, 204, 404), f"blocks/{rng.choice(blocks)['id']}", "DELETE")

    async def set_block(self, rng):
        await self.call((200, 201), "blocks", "POST", {
            "zone": "z", "client": rng.randbytes(16).hex(), "seconds": rng.randrange(1, 5), "why": "chaos", "who": "chaos"})

    async def forget(self, rng):
        await self.call((200, 202, 204, 404), f"clients/{rng.randbytes(16).hex()}?zone=z", "DELETE", {
            "why": "chaos", "who": "chaos"})

    async def outage(self, rng):
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - rng.randrange(10)))
        await self.call((200, 201), "sla/chaos/outages?zone=z", "POST", {
            "notified_at": began, "cause": "chaos", "who": "chaos"})

    # Each kind by so many at once.

    def kinds(self):
        kinds = [(self.polite, 6), (self.hammer, 4), (self.login, 2), (self.pipelined, 2), (self.slow, 8),
                 (self.aborted, 4), (self.large, 2), (self.websocket, 2), (self.h2, 3), (self.admin, 1)]
        if self.gateway.has_h3 and curl_has_h3():
            kinds.append((self.h3, 1))
        return kinds

    async def forever(self, kind, n):
        rng = random.Random(f"{self.seed} {kind.__name__} {n}")
        t = self.tally
        while not t.over:
            await t.running.wait()
            if t.over:
                break
            t.busy += 1
            try:
                await kind(rng, f"{kind.__name__}{n}")
            except ConnectionRefusedError:
                t.fail(f"{kind.__name__}: refused to connect")
            except OSError as e:
                t.count[f"could not connect: {e.strerror}"] += 1
            except Exception as e:      # the driver's own mistake is one, too
                t.fail(f"{kind.__name__}: {e!r}")
            finally:
                t.busy -= 1
            await asyncio.sleep(rng.random() / 20)

    def start(self):
        self.tasks = [asyncio.ensure_future(self.forever(kind, n))
                      for kind, many in self.kinds() for n in range(many)]

    async def pause(self):
        """True once no request is under way."""
        self.tally.running.clear()
        end = time.monotonic() + TIMEOUT + 20
        while self.tally.busy and time.monotonic() < end:
            await asyncio.sleep(0.05)
        return not self.tally.busy

    def resume(self):
        self.tally.running.set()

    async def end(self):
        self.tally.over = True
        self.tally.running.set()
        await asyncio.gather(*self.tasks)


def curl_has_h3():
    if not shutil.which("curl"):
        return False
    with os.popen("curl --version") as f:
        return "HTTP3" in f.read()
