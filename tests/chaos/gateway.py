"""The gateway, its Redis and its upstream: started, hurt, measured, ended by their pids."""

import asyncio
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
MODULE = os.environ.get("PGUARD_MODULE", f"{ROOT}/build/ngx_paas_guard_module.so")


def slurp(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def alive(pid):
    return slurp(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def children(pid):
    return [int(p) for p in slurp(f"/proc/{pid}/task/{pid}/children").split()]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


def anonymous(pid):
    """Memory of its own, KiB: without what is shared."""
    found = re.search(r"RssAnon:\s+(\d+)", slurp(f"/proc/{pid}/status"))
    return int(found[1]) if found else 0


class Redis:
    def __init__(self, directory):
        self.dir, self.port, self.process = directory, free_port(), None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", self.dir],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(how)
        self.process.wait()

    async def command(self, *words):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w)
                         for w in (w.encode() for w in words)))
            await asyncio.wait_for(reader.readline(), 5)
            writer.close()
        except (OSError, asyncio.TimeoutError):
            pass


# What may be different after a reload.  The first is what it starts with.

ZONES = ["2m", "1m", "8m"]
CHOICES = {
    "zone": ZONES, "workers": [2, 1, 3], "limit": [20, 30, 50], "window": ["5s", "2s", "20s"],
    "block": ["1s", "3s"], "sync": ["async", "strict"], "scope": ["cluster", "node"],
    "interval": ["1s", "300ms", "2s"], "body": ["1m", "16m", "off"], "rules": [1, 3],
    "headers": ["Accept Content-Type", "none"], "ratelimit": ["off", "on"], "redis": [1, 1, 0],
}

RULES = """
    paas_guard_hammer_rule flood{i} key=$http_x_user window={window} limit={limit}
        block={block} block_max=4s;
    paas_guard_hammer_rule logins{i} key=$http_x_login window={window} limit=5
        count=status:401 block=1s block_max=2s reason=lockout scope=zone;
"""

CONFIG = """
load_module {module};
{user}
worker_processes {workers};
pid {dir}/pid;
error_log {dir}/error.log info;
env LD_PRELOAD;
env ASAN_OPTIONS;
env LSAN_OPTIONS;
env UBSAN_OPTIONS;
events {{ worker_connections 4096; }}
http {{
    log_format chaos escape=json '{{"pid":$pid,"id":"$http_x_id","status":$status,'
        '"verdict":"$paas_guard_verdict","sla":"$paas_guard_sla","up":"$upstream_status",'
        '"store":"$paas_guard_store","request":"$request"}}';
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    default_type text/plain;
    keepalive_requests 200;
    keepalive_timeout 10s;
    client_max_body_size 12m;
    client_body_timeout 20s;
    upstream app {{ server unix:{dir}/app.sock; keepalive 16; }}
    map $http_upgrade $forward {{ default upgrade; "" ""; }}
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $forward;
    proxy_next_upstream off;

    paas_guard_secret_file {dir}/secret;
    paas_guard_zone zone=z:{zone} state={dir}/state;
    paas_guard_zone zone=other:1m;
    paas_guard_indicator chaos target=99.9%;
    paas_guard_audit {dir}/audit.log;
    {redis_line}
    {rule_lines}

    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{h2}{h2_listen} backlog=4096;
        {h3_listen}
        access_log {dir}/access.log chaos;
        paas_guard zone=z;
        paas_guard_sla chaos;
        paas_guard_hammer {rule_names};
        paas_guard_sync {sync};
        paas_guard_throttle interval={interval}{scope_part};
        paas_guard_signature_body {body};
        paas_guard_signature_headers {headers};
        paas_guard_signature_rewrite "([?&])nonce=[^&]*" "$1";
        paas_guard_ratelimit_headers {ratelimit};
        location / {{ paas_guard_service app; proxy_pass http://app; }}
        location /up/ {{ paas_guard_service up; proxy_request_buffering off; proxy_pass http://app; }}
        location /slow/ {{ paas_guard_service slow; proxy_buffering off; proxy_pass http://app; }}
        location /other/ {{ paas_guard zone=other; paas_guard_hammer off; proxy_pass http://app; }}
    }}

    server {{
        listen 127.0.0.1:{admin};
        location = /metrics {{ paas_guard_metrics; }}
        location /guard/ {{ paas_guard_status write=on; }}
    }}
}}
"""


class Gateway:
    def __init__(self, directory):
        self.dir = directory
        self.port, self.h2, self.admin = free_port(), free_port(), free_port()
        self.redis = Redis(directory)
        self.upstream = None
        self.generations = {}           # pid of a worker: of which master
        self.killed = 0
        self.cut = set()                # local ports of clients of killed workers
        self.options = {k: v[0] for k, v in CHOICES.items()}
        version = subprocess.run([self.nginx(), "-V"], stderr=subprocess.PIPE, check=True).stderr.decode()
        self.version = tuple(int(n) for n in re.search(r"nginx/([\d.]+)", version)[1].split("."))
        self.has_h3 = "http_v3_module" in version
        self.h3 = free_port()
        with open(f"{directory}/secret", "w") as f:
            f.write(os.urandom(32).hex())
        os.chmod(f"{directory}/secret", 0o600)

    @staticmethod
    def nginx():
        return os.environ.get("PGUARD_NGINX") or shutil.which("nginx") or "/usr/sbin/nginx"

    # its configuration

    def configure(self, **options):
        self.options.update(options)
        o = dict(self.options)
        n = range(o["rules"])
        new = self.version >= (1, 25, 1)
        h3 = ""
        if self.has_h3:
            h3 = (f"listen 127.0.0.1:{self.h3} quic reuseport; ssl_protocols TLSv1.3;"
                  f"ssl_certificate {self.dir}/cert; ssl_certificate_key {self.dir}/key;")
        o.update(dir=self.dir, module=MODULE, port=self.port, h2=self.h2, admin=self.admin,
                 user="user root;" if os.geteuid() == 0 else "",
                 h2_listen="" if new else " http2", h3_listen=("http2 on;" if new else "") + h3,
                 redis_line=f"paas_guard_redis redis://127.0.0.1:{self.redis.port}/0;" if o["redis"] else "",
                 scope_part=f" scope={o['scope']}" if o["redis"] else "",
                 rule_lines="".join(RULES.format(i=i, **o) for i in n),
                 rule_names=" ".join(f"flood{i} logins{i}" for i in n))
        if not o["redis"]:
            o["sync"] = "async"
        with open(f"{self.dir}/nginx.conf", "w") as f:
            f.write(CONFIG.format(**o))

    # its life

    async def start(self):
        if self.has_h3:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                            "-subj", "/CN=localhost", "-keyout", f"{self.dir}/key", "-out",
                            f"{self.dir}/cert"], check=True, stderr=subprocess.DEVNULL)
        self.redis.start()
        self.upstream = subprocess.Popen([sys.executable, f"{ROOT}/tests/chaos/upstream.py",
                                          f"{self.dir}/app.sock"], stdin=subprocess.DEVNULL)
        await wait_for(lambda: os.path.exists(f"{self.dir}/app.sock"))
        self.configure()
        subprocess.run([self.nginx(), "-p", self.dir, "-c", f"{self.dir}/nginx.conf"], check=True)
        if not await wait_for(lambda: self.master() and len(self.workers()) == self.options["workers"]):
            raise RuntimeError("nginx does not start:\n" + self.errors())

    def end(self):
        for master in (self.master(), self.master(".oldbin")):
            if master:
                os.kill(master, signal.SIGTERM)
                for _ in range(500):
                    if not alive(master):
                        break
                    time.sleep(0.02)
                else:
                    for pid in (*children(master), master):
                        os.kill(pid, signal.SIGKILL)
        if self.redis.process:
            self.redis.stop()
        if self.upstream:
            self.upstream.terminate()
            self.upstream.wait()

    def master(self, suffix=""):
        pid = slurp(f"{self.dir}/pid{suffix}").strip()
        return int(pid) if pid and alive(pid) else None

    def processes(self, master=None):
        """Workers, also those that shut down."""
        master = master or self.master()
        found = [p for p in children(master) if slurp(f"/proc/{p}/cmdline").startswith("nginx: worker process")] \
            if master else []
        for pid in found:
            self.generations[pid] = master
        return found

    def workers(self, master=None):
        return [p for p in self.processes(master) if "shutting" not in slurp(f"/proc/{p}/cmdline")]

    def errors(self):
        return slurp(f"{self.dir}/error.log")

    # what is done to it

    async def reload(self, **options):
        self.configure(**options)
        old, master = set(self.workers()), self.master()
        os.kill(master, signal.SIGHUP)
        if not await wait_for(lambda: len(now := self.workers(master)) == self.options["workers"]
                              and not old & set(now)):
            raise RuntimeError("a reload does not end:\n" + self.errors()[-2000:])

    async def upgrade(self, back):
        """The binary is replaced, or it was a mistake."""
        old = self.master()
        self.processes(old)
        os.kill(old, signal.SIGUSR2)
        if not await wait_for(lambda: self.master(".oldbin") == old and self.master()
                              and len(self.workers()) == self.options["workers"]):
            raise RuntimeError("an upgrade does not begin:\n" + self.errors()[-2000:])
        new = self.master()
        os.kill(old, signal.SIGWINCH)
        await wait_for(lambda: not self.workers(old))
        if back:
            os.kill(old, signal.SIGHUP)
            await wait_for(lambda: len(self.workers(old)) == self.options["workers"])
            os.kill(new, signal.SIGQUIT)
            if not await wait_for(lambda: not alive(new) and self.master() == old, 90):
                raise RuntimeError("a new binary does not end")
        else:
            os.kill(old, signal.SIGQUIT)
            if not await wait_for(lambda: not alive(old), 90):
                raise RuntimeError("an old binary does not end")

    async def kill(self, rng):
        """A worker dies at any instruction.  Whom that cuts off is looked up while it stands still."""
        workers = self.workers()
        if not workers:
            return
        pid, master = rng.choice(workers), self.master()
        os.kill(pid, signal.SIGSTOP)
        await wait_for(lambda: slurp(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] == "T")
        self.cut |= self.clients_of(pid)
        os.kill(pid, signal.SIGKILL)
        self.killed += 1
        if not await wait_for(lambda: not alive(pid) and len(self.workers(master)) >= self.options["workers"]):
            raise RuntimeError("a killed worker is not replaced")

    def clients_of(self, pid):
        inodes = set()
        for fd in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                found = re.match(r"socket:\[(\d+)\]", os.readlink(fd))
            except OSError:
                continue
            if found:
                inodes.add(found[1])
        ports = set()
        for line in slurp("/proc/net/tcp").splitlines()[1:]:
            column = line.split()
            if column[9] in inodes:
                ports.add(int(column[2].split(":")[1], 16))
        return ports - {0}

    # what is seen of it

    def fds(self, pid):
        """Of a worker, without those of connections to Redis, which come and go."""
        n = 0
        for fd in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                os.readlink(fd)
                n += 1
            except OSError:
                pass
        return n

    def mappings(self, pid):
        return sum("/dev/zero" in line for line in slurp(f"/proc/{pid}/maps").splitlines())

    def temporary(self):
        return [f for part in ("body", "proxy") for f in glob.glob(f"{self.dir}/{part}/**", recursive=True)
                if os.path.isfile(f)]

    def log_lines(self):
        lines = []
        with open(f"{self.dir}/access.log", errors="replace") as f:
            for line in f:
                lines.append(json.loads(line))
        return lines

    def audit(self):
        """What is wrong with the chain of events, or None."""
        tool = f"{ROOT}/build/paas-guard-audit"
        done = subprocess.run([tool, "verify", "--secret", f"{self.dir}/secret", "--whole", f"{self.dir}/audit.log"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.decode().strip() if done.returncode else None

    async def admin_request(self, target, method="GET", body=None):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.admin)
        body = json.dumps(body) if body is not None else ""
        writer.write(f"{method} {target} HTTP/1.0\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await asyncio.wait_for(reader.read(-1), 20)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    async def metrics(self):
        status, text = await self.admin_request("/metrics")
        assert status == 200, status
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found
