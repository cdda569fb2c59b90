"""As much of HTTP/2 as a client needs that asks nginx: no Huffman, no table."""

import asyncio
import struct

DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STATIC = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
NOT_TAKEN = "not taken"


def integer(n):
    if n < 127:
        return bytes([n])
    n, out = n - 127, [127]
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + [n])


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(headers):
    return b"".join(b"\0" + integer(len(s := name.encode())) + s + integer(len(t := str(value).encode())) + t
                    for name, value in headers)


def status_of(payload):
    """nginx's header blocks begin with the status, after an update of the table's size."""
    while payload[0] & 0xe0 == 0x20:
        payload = payload[1:]
    if payload[0] & 0x80:
        return STATIC[payload[0] & 0x7f]
    assert payload[0] & 0x3f == 8 and payload[1] == 3, payload[:8].hex()
    return int(payload[2:5])


class Connection:
    """Streams side by side; the answer to one is a future: its status, and the body's beginning."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.next, self.last = 1, None
        self.window, self.initial, self.windows = 65535, 65535, {}
        self.more = asyncio.Event()
        self.waiting, self.got = {}, {}
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                     + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 2, 0, 4, 2**31 - 1))
                     + frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))
        self.task = asyncio.ensure_future(self.run())

    def request(self, headers, end=True):
        stream, self.next = self.next, self.next + 2
        answer = asyncio.get_running_loop().create_future()
        if self.last is not None or self.task.done():
            answer.set_result((NOT_TAKEN, b""))
            return stream, answer
        self.waiting[stream], self.windows[stream] = answer, self.initial
        self.writer.write(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(headers)))
        return stream, answer

    async def send(self, stream, data):
        while data and stream in self.waiting:
            n = min(len(data), 16384, self.window, self.windows[stream])
            if n <= 0:
                self.more.clear()
                await self.more.wait()
                continue
            self.window -= n
            self.windows[stream] -= n
            self.writer.write(frame(DATA, 0 if n < len(data) else END_STREAM, stream, data[:n]))
            await self.writer.drain()
            data = data[n:]

    def reset(self, stream):
        self.waiting.pop(stream, None)
        self.writer.write(frame(RST, 0, stream, struct.pack(">I", 8)))
        self.more.set()

    def answered(self, stream, what):
        answer = self.waiting.pop(stream, None)
        self.more.set()
        if answer and not answer.done():
            answer.set_result(what)

    def take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[i:i + 6])
                if name == 4:
                    for s in self.windows:
                        self.windows[s] += value - self.initial
                    self.initial = value
            self.writer.write(frame(SETTINGS, ACK, 0))
            self.more.set()
        elif kind == PING and not flags & ACK:
            self.writer.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW:
            n = struct.unpack(">I", payload)[0]
            if stream == 0:
                self.window += n
            elif stream in self.windows:
                self.windows[stream] += n
            self.more.set()
        elif kind == GOAWAY:
            self.last = struct.unpack(">I", payload[:4])[0]
            for s in [s for s in self.waiting if s > self.last]:
                self.answered(s, (NOT_TAKEN, b""))
        elif kind == RST:
            code = struct.unpack(">I", payload)[0]
            if stream in self.got:      # NO_ERROR: the body is not wanted any more
                self.answered(stream, self.got.pop(stream) if code == 0 else (f"reset {code}", b""))
            else:
                self.answered(stream, (NOT_TAKEN if code == 7 else f"reset {code}", b""))
        elif kind == HEADERS:
            self.got[stream] = (status_of(payload), b"")
        elif kind == DATA and stream in self.got:
            status, body = self.got[stream]
            self.got[stream] = (status, (body + payload)[:100])
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answered(stream, self.got.pop(stream, (0, b"")))

    async def run(self):
        end = "closed"
        try:
            while True:
                head = await self.reader.readexactly(9)
                size = int.from_bytes(head[:3], "big")
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                self.take(kind, flags, stream & 0x7fffffff, await self.reader.readexactly(size))
        except (OSError, asyncio.IncompleteReadError):
            pass
        except Exception as wrong:      # not to be taken for an end
            end = f"wrong: {wrong!r}"
        finally:
            for s in list(self.waiting):
                self.answered(s, (end, b""))
            self.more.set()

    def close(self, abort=False):
        self.task.cancel()
        (self.writer.transport.abort if abort else self.writer.close)()
