#!/usr/bin/env python3
"""Minutes of everything at once against one gateway, and at the end: does it all add up?

    tests/chaos/chaos.py [--time SECONDS] [--seed SEED] [--keep]

The same seed gives the same clients, requests, faults and configurations in the same order; when they
meet, the machine decides.  PGUARD_NGINX, PGUARD_MODULE: another nginx, another build of the module.
"""

import argparse
import asyncio
import collections
import logging
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import gateway as gw
from clients import Clients

# What the error log may say from [warn] on.

ALLOWED = [re.compile(p) for p in (
    r"\[alert\] .*worker process \d+ exited on signal 9",
    r"\[alert\] .*shared memory zone .* was locked by \d+",
    r"\[warn\] .*a client request body is buffered to a temporary file",
    r"\[warn\] .*an upstream response is buffered to a temporary file",
    r"\[error\] .*failed to send stream cancellation while closing request",    # HTTP/3: nginx's own
    r"\[warn\] .*paas_guard: (refused|blocked|an operator blocked|learned of|lifted) ?",
    r"\[warn\] .*paas_guard: redis .*, going on without",
)]
LEVEL = re.compile(r"^\d{4}/\d\d/\d\d [\d:]+ \[(warn|error|crit|alert|emerg)\] ")
SANITIZER = re.compile(r"Sanitizer|runtime error:")


class Chaos:
    def __init__(self, directory, seed, seconds):
        self.g = gw.Gateway(directory)
        self.rng = random.Random(f"{seed} faults")
        self.clients = Clients(self.g, seed)
        self.seconds = seconds
        self.did = collections.Counter()
        self.base = {}              # of a master: what its ledger had from before it
        self.kills = 0              # when the sums were last right
        self.failures = []

    # faults

    async def fault_reload(self):
        names = self.rng.sample(sorted(gw.CHOICES), self.rng.randrange(1, 5))
        await self.g.reload(**{n: self.rng.choice(gw.CHOICES[n]) for n in names})

    async def fault_kill(self):
        await self.g.kill(self.rng)

    async def fault_upgrade(self):
        await self.g.upgrade(self.rng.random() < 0.3)

    async def fault_redis_stop(self):
        self.g.redis.stop()
        await asyncio.sleep(self.rng.random() * 2)
        self.g.redis.start()

    async def fault_redis_kill(self):
        self.g.redis.stop(signal.SIGKILL)
        await asyncio.sleep(self.rng.random())
        self.g.redis.start()

    async def fault_redis_freeze(self):
        self.g.redis.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.rng.random() * 3)
        self.g.redis.process.send_signal(signal.SIGCONT)

    async def fault_redis_flush(self):
        await self.g.redis.command("FLUSHALL")

    async def fault_redis_clients(self):
        await self.g.redis.command("CLIENT", "KILL", "TYPE", "normal")

    FAULTS = [("reload", 8), ("kill", 4), ("upgrade", 2), ("redis_stop", 1), ("redis_kill", 1),
              ("redis_freeze", 2), ("redis_flush", 1), ("redis_clients", 1)]

    async def fault(self):
        name = self.rng.choices([n for n, _ in self.FAULTS], [w for _, w in self.FAULTS])[0]
        self.did[name] += 1
        await getattr(self, "fault_" + name)()

    # judgement

    def fail(self, what):
        self.failures.append(what)

    async def classes(self):
        """Every request that the access log has is in one class of the ledger.  A worker that is killed
        between the two makes a difference of one."""
        master = self.g.master()
        for line in self.g.errors().splitlines():
            if found := re.search(r"\[notice\] (\d+)#\d+: start worker process (\d+)", line):
                self.g.generations[int(found[2])] = int(found[1])

        logged, before = collections.Counter(), collections.Counter()      # before: by other masters
        for line in self.g.log_lines():
            (logged if self.g.generations.get(line["pid"]) == master else before)[line["sla"]] += 1
        metrics = await self.g.metrics()
        counted = collections.Counter()         # of all zones
        for name, n in metrics.items():
            if found := re.match(r'paas_guard_sla_requests_total\{.*class="(\w+)"\}', name):
                counted[found[1]] += int(n)
        logged.pop("", None)
        spare = self.g.killed - self.kills
        first = master not in self.base
        base = self.base.setdefault(master, collections.Counter())

        for name in sorted({*counted, *logged}):
            n, want = counted[name], logged[name] + base[name]
            if first and want <= n <= before[name] + want + spare:
                base[name] = n - want           # from the state that another has saved
            elif abs(n - want) > spare:
                self.fail(f"class {name}: {n} in the ledger, {want} in the access log, "
                          f"{spare} workers killed meanwhile")
            else:
                base[name] += n - want
        self.kills = self.g.killed

    async def rest(self):
        """All is answered, and nothing is left of it.  Sums must be right."""
        if not await self.clients.pause():
            self.fail(f"{self.clients.tally.busy} clients do not come to an end")
        master = self.g.master()
        if not await gw.wait_for(lambda: self.g.processes(master) == self.g.workers(master), 60):
            self.fail("workers that shut down do not end")
        await asyncio.sleep(0.5)
        await self.classes()

    async def steady(self, seconds):
        """The same load on the same workers: what they then have of their own."""
        self.clients.resume()
        await asyncio.sleep(seconds)
        await self.rest()
        return max(gw.anonymous(p) for p in self.g.workers())

    def log(self):
        seen = collections.Counter()
        for line in self.g.errors().splitlines():
            if (LEVEL.match(line) or SANITIZER.search(line)) and not any(p.search(line) for p in ALLOWED):
                seen[re.sub(r"\d+", "N", LEVEL.sub("", line, 1))[:150]] += 1
                if seen.total() <= 20:
                    self.fail(f"error log: {line[:400]}")
        if seen.total() > 20:
            self.fail(f"error log: {seen.total()} lines in all: {seen.most_common(8)}")

    # the run

    async def run(self):
        g, third = self.g, max(3, self.seconds / 12)
        await g.start()
        self.base[g.master()] = collections.Counter()
        first = {"fds": max(map(g.fds, g.workers())), "maps": g.mappings(g.master())}
        self.clients.start()
        end = time.monotonic() + self.seconds - 3 * third
        checked = time.monotonic()
        early = None

        await asyncio.sleep(1)
        while time.monotonic() < end:
            await self.fault()
            await asyncio.sleep(self.rng.random())
            if time.monotonic() - checked > 20:
                await self.rest()
                self.clients.resume()
                early = early or (g.master(), gw.anonymous(g.master()))
                checked = time.monotonic()

        # a last configuration, and the same load on it: once to warm it, twice to compare
        await g.reload(**{k: v[0] for k, v in gw.CHOICES.items()})
        warm = await self.steady(third)
        before = await self.steady(third)
        after = await self.steady(third)
        if after > before * 1.2 + 1024:
            self.fail(f"workers grow: {warm}, {before}, {after} KiB")
        if early and early[0] == g.master() and gw.anonymous(early[0]) > early[1] + 8192:
            self.fail(f"the master grows: {early[1]}, {gw.anonymous(early[0])} KiB")
        fds = max(map(g.fds, g.workers()))
        if fds > first["fds"] + 16 + 4:         # kept to the upstream; to Redis
            self.fail(f"descriptors: {first['fds']}, then {fds}")
        if g.mappings(g.master()) != first["maps"]:
            self.fail(f"shared memory: {first['maps']} pieces, then {g.mappings(g.master())}")
        if len(g.temporary()) > 40 * g.killed:
            self.fail(f"temporary files are left: {g.temporary()[:5]}")
        await self.clients.end()
        if wrong := g.audit():
            self.fail(f"audit: {wrong}")
        self.memory = f"{warm}, {before}, {after} KiB a worker; {fds} descriptors"

    def report(self):
        t = self.clients.tally
        print("did:", ", ".join(f"{k} {v}" for k, v in sorted(self.did.items())))
        print("requests:", ", ".join(f"{k} {v}" for k, v in sorted(t.count.items())))
        print("memory:", getattr(self, "memory", "?"))
        for line in (*t.wrong, *self.failures):
            print("FAILED:", line)
        if t.count["wrong"] > len(t.wrong):
            print(f"FAILED: {t.count['wrong']} in all")
        return not t.wrong and not self.failures


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", type=float, default=180)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    args = parser.parse_args()

    logging.getLogger("asyncio").setLevel(logging.ERROR)     # writes to who has left
    directory = tempfile.mkdtemp(prefix="pguard-chaos-")
    os.chmod(directory, 0o755)
    chaos = Chaos(directory, args.seed, args.time)
    print(f"chaos: seed {args.seed}, {args.time:.0f} s", flush=True)
    if not chaos.g.has_h3:
        print("chaos: this nginx has no HTTP/3, so that is left out")
    elif len(chaos.clients.kinds()) < 11:
        print("chaos: this curl has no HTTP/3, so that is left out")

    ok = False
    try:
        await chaos.run()
    except Exception as e:
        chaos.fail(f"{type(e).__name__}: {e}")
    finally:
        chaos.g.end()
        chaos.log()
        ok = chaos.report()
        if args.keep or not ok:
            print(f"chaos: see {directory}")
        else:
            shutil.rmtree(directory)
    print("chaos:", "passed" if ok else f"FAILED, seed {args.seed}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
