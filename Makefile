# ngx_paas_guard_module: "make help" lists what there is.

SHELL   = /bin/bash -o pipefail
BUILD   = build
JOBS    = 2
# tells what was skipped, and why
PROVE   = prove --directives
FUZZ_TIME = 30
MATRIX  = 12 13 forky
STATIC  = $(wildcard t/[014]*.t)
VALGRIND = $(wildcard t/001*.t t/010*.t t/072*.t t/110*.t t/140*.t)
CHAOS_TIME = 180
CHAOS_SEED =

CC      = gcc
CFLAGS  = -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wshadow \
          -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
LIBS    = -lcmocka -lxxhash -lpcre2-8 -lcrypto -lpthread -lm
ASAN    = -fsanitize=address,undefined -fno-omit-frame-pointer -U_FORTIFY_SOURCE -O1

UNIT    = $(BUILD)/unit
CORE    = $(wildcard src/core/*.c)
TESTS   = $(wildcard tests/unit/test_*.c)
FUZZ    = $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS = $(FUZZ:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_CC = clang $(filter-out -Werror -O2,$(CFLAGS)) -O1 -Isrc/core -fno-sanitize-recover=undefined
BINS    = $(TESTS:tests/unit/%.c=$(UNIT)/%)

AUDIT   = $(BUILD)/paas-guard-audit
AUDIT_CFLAGS = -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE \
          -D_FORTIFY_SOURCE=2 -ffunction-sections -Wformat=2
AUDIT_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--as-needed
AUDIT_SRC = $(wildcard src/audit/*.c) \
          $(addprefix src/core/pguard_,audit.c audit_parse.c audit_chain.c json.c \
          json_text.c key.c out.c utc.c)
AUDIT_LIBS = -lcrypto -lz -lxxhash

.PHONY: run test setup build audit purity unit test-unit test-audit test-nginx test-asan test-asan-unit fuzz fuzz-short \
	bench bench-instructions bench-memory test-static test-asan-nginx test-valgrind \
	package test-package matrix chaos lint tidy clean help

help:
	@echo "make run         build, and start the guarded gateway on 127.0.0.1:8080"
	@echo "                 (PORT=, UPSTREAM=http://host:port, REDIS=redis://host:port/db)"
	@echo "make test        build, and run all tests"
	@echo "make test-unit   the unit tests;  make test-nginx  those with nginx, t/"
	@echo "make test-audit  those of paas-guard-audit"
	@echo "make test-dates  what has to do with months, as if it were another one"
	@echo "make test-browser  the status page in Chromium, which it installs (300 MB);"
	@echo "                 SHOTS=directory keeps screenshots"
	@echo "make test-monitoring  those of monitoring/, with a Prometheus"
	@echo "make test-asan   all but the monitoring once more, under AddressSanitizer and UBSan"
	@echo "make test-asan-nginx  t/ with nginx built so, too;  make test-static  compiled in"
	@echo "make test-valgrind    some of t/ under memcheck"
	@echo "make package     the Debian packages of this release, in $(BUILD)/package"
	@echo "make test-package     builds, installs, upgrades, purges them on Debian MATRIX (as root)"
	@echo "make matrix      the tests on Debian MATRIX='$(MATRIX)', in roots of theirs (as root)"
	@echo "make fuzz        each fuzz target for FUZZ_TIME=30 seconds;  make fuzz-short  for 3"
	@echo "make bench       all that it costs, beside others and what is wanted; BENCH=-l takes longer"
	@echo "make bench-instructions  what a request costs, under callgrind; fails if it grew"
	@echo "make bench-memory  bytes of a zone for a signature, for a client, at 1, 10, 50 million (8 GB; BENCH_N=)"
	@echo "make chaos       load and faults of all kinds for CHAOS_TIME=180 seconds (CHAOS_SEED=)"
	@echo "make build       $(BUILD)/ngx_paas_guard_module.so and $(AUDIT)"
	@echo "make purity      the core compiles without nginx;  make lint  style, cppcheck;  make tidy  clang-tidy"
	@echo "make clean       remove $(BUILD)/"

run:
	@tools/setup.sh run
	@$(MAKE) --no-print-directory audit
	@tools/run.sh

test: setup
	@$(MAKE) --no-print-directory build purity test-unit test-audit test-monitoring test-nginx

setup:
	@tools/setup.sh test

build: audit
	@tools/build.sh $(BUILD)

audit: $(AUDIT)

purity:
	@! grep -nE '#[[:space:]]*include.*(ngx_|hiredis)' src/core/*.[ch]
	@! grep -nE '#[[:space:]]*include.*hiredis' \
	 $(filter-out src/nginx/ngx_paas_guard_redis%,$(wildcard src/nginx/*))
	@for c in $(CORE); do $(CC) $(CFLAGS) -fsyntax-only $$c || exit 1; done
	@echo "purity: the core needs no nginx, and who needs no Redis no hiredis"

$(AUDIT): $(AUDIT_SRC:%.c=$(AUDIT).o/%.o)
	@$(CC) $(CFLAGS) $(AUDIT_CFLAGS) $(AUDIT_LDFLAGS) -o $@ $^ $(AUDIT_LIBS)

$(AUDIT).o/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(AUDIT_CFLAGS) -Isrc/core -MMD -MP -c -o $@ $<

# The writer of logs for the tests of paas-guard-audit.
$(AUDIT)-log: tests/audit/log.c $(AUDIT_SRC:%.c=$(AUDIT).o/%.o)
	@$(CC) $(CFLAGS) $(AUDIT_CFLAGS) $(AUDIT_LDFLAGS) -Isrc/core -MMD -MP -MF $@.d -o $@ $< \
	 $(filter $(AUDIT).o/src/core/%,$^) $(AUDIT_LIBS) -lpthread

test-audit: $(AUDIT) $(AUDIT)-log
	@PGUARD_AUDIT=$(CURDIR)/$(AUDIT) $(PROVE) -j$(JOBS) tests/audit/

.PHONY: test-monitoring dashboard

test-monitoring:
	@$(PROVE) -j$(JOBS) tests/monitoring/

# The dashboards, from their table.
dashboard:
	@for l in en fr; do monitoring/grafana/dashboard.pl $$l > \
	 monitoring/grafana/paas_guard.$$l.json || exit 1; done

# Every program runs, also after one that failed; promtool may be where setup has put it.
test-unit: unit
	@PATH="$$PATH:$(CURDIR)/.deps/usr/bin"; failed=; \
	 for t in $(BINS); do echo "== $${t##*/}"; $$t || failed="$$failed $${t##*/}"; done; \
	 [ -z "$$failed" ] || { echo "unit tests failed:$$failed"; exit 1; }; \
	 echo "unit tests: $(words $(BINS)) programs passed"

test-nginx:
	@$(PROVE) -j$(JOBS) t/

# As if it were another month; DATES='2027-02-15 ...' for others.
.PHONY: test-dates
test-dates: setup
	@$(MAKE) --no-print-directory build $(AUDIT)-log
	@JOBS=$(JOBS) tools/test-dates.sh $(DATES)

.PHONY: test-browser
test-browser: setup
	@tools/setup.sh browser
	@$(MAKE) --no-print-directory build
	@$(PROVE) tests/browser/

test-asan-unit: setup
	@$(MAKE) --no-print-directory test-unit UNIT=$(BUILD)/unit-asan CFLAGS='$(CFLAGS) $(ASAN)'
	@$(MAKE) --no-print-directory test-audit AUDIT=$(BUILD)/asan/paas-guard-audit \
	 CFLAGS='$(CFLAGS) $(ASAN)' AUDIT_CFLAGS= AUDIT_LDFLAGS=

test-asan: test-asan-unit
	@tools/build.sh $(BUILD)/asan '$(ASAN)' '-fsanitize=address,undefined'
	@TEST_NGINX_BINARY=$(CURDIR)/tools/nginx-asan.sh \
	 TEST_NGINX_LOAD_MODULES=$(CURDIR)/$(BUILD)/asan/ngx_paas_guard_module.so \
	 $(MAKE) --no-print-directory test-nginx 2>&1 | tee $(BUILD)/asan/prove.log
	@! grep -nE 'AddressSanitizer|LeakSanitizer|runtime error:' $(BUILD)/asan/prove.log

# With an nginx whose pools are malloc: it sees an overrun of a request's memory.
# Who leaks fails its own test; an nginx that is not to start leaves all to its end.
# nginx itself copies nothing from NULL, reads words at any address, and moves pointers back and forth.
test-asan-nginx: setup
	@tools/nginx.sh $(BUILD)/nginx-asan '$(ASAN) -fno-sanitize=nonnull-attribute,alignment,pointer-overflow -DNGX_DEBUG_PALLOC=1' \
	 '-fsanitize=address,undefined'
	@TEST_NGINX_BINARY=$(CURDIR)/tools/nginx-asan.sh TEST_NGINX_LOAD_MODULES= \
	 TEST_NGINX_REAL=$(CURDIR)/$(BUILD)/nginx-asan/nginx \
	 $(MAKE) --no-print-directory test-nginx 2>&1 | tee $(BUILD)/nginx-asan/prove.log
	@! grep -nE 'ERROR: AddressSanitizer|runtime error:' $(BUILD)/nginx-asan/prove.log

test-static:
	@tools/nginx.sh $(BUILD)/static
	@TEST_NGINX_BINARY=$(CURDIR)/$(BUILD)/static/nginx TEST_NGINX_LOAD_MODULES= \
	 $(PROVE) -j$(JOBS) $(STATIC)

# What takes no exact time; a log for each process, empty if nothing is wrong.
test-valgrind: setup
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory build
	@rm -rf $(BUILD)/valgrind && mkdir -p $(BUILD)/valgrind
	@VALGRIND_LOGS=$(CURDIR)/$(BUILD)/valgrind TEST_NGINX_SLOWER=20 TEST_NGINX_TIMEOUT=60 \
	 TEST_NGINX_BINARY=$(CURDIR)/tools/nginx-valgrind.sh $(PROVE) $(VALGRIND)
	@! grep -n . $(BUILD)/valgrind/*.log | head -100 | grep .

package:
	@tools/package.sh $(BUILD)/package

test-package:
	@tools/test-package.sh $(MATRIX)

matrix:
	@tools/matrix.sh $(MATRIX)

fuzz:
	@tools/setup.sh fuzz
	@$(MAKE) --no-print-directory $(FUZZERS)
	@for f in $(FUZZERS); do tests/fuzz/run.sh $$f $(FUZZ_TIME) || exit 1; done

fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZ_TIME=3

bench:
	@tools/setup.sh compare
	@$(MAKE) --no-print-directory $(BUILD)/memory
	@tests/bench/wanted.pl $(BENCH)

bench-instructions:
	@tools/setup.sh bench
	@tests/bench/instructions.pl

# BENCH_N='1000000 ...' for other numbers than these three.
bench-memory:
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory $(BUILD)/memory
	@$(BUILD)/memory $(BENCH_N)

$(BUILD)/memory: tests/bench/memory.c $(CORE:src/core/%.c=$(UNIT)/core/%.o) Makefile
	@$(CC) $(CFLAGS) -Isrc/core -MMD -MP -o $@ $< $(filter %.o,$^) $(LIBS)

chaos:
	@tools/setup.sh chaos
	@$(MAKE) --no-print-directory build
	@tests/chaos/chaos.py --time $(CHAOS_TIME) $(CHAOS_SEED:%=--seed %)

lint:
	@tools/style.pl ngx_paas_guard_module.c $(wildcard src/*/*.[ch] tests/*/*.[ch])
	@tools/setup.sh lint
	@cppcheck -q --std=c11 --enable=warning,portability --error-exitcode=1 \
	 --suppress=uninitvar:src/core/pguard_atomic.h \
	 --suppress=ctuuninitvar:src/core/pguard_top.c \
	 --suppress=ctuuninitvar:src/core/pguard_burst.c \
	 --suppress=ctuuninitvar:src/nginx/ngx_paas_guard_log.c \
	 --suppress=nullPointer:src/nginx/ngx_paas_guard_zone.c \
	 ngx_paas_guard_module.c src

tidy:
	@tools/setup.sh tidy
	@printf '%s\n' $(CORE) src/audit/*.c | xargs -P $(JOBS) -n 4 sh -c \
	 'clang-tidy --quiet "$$@" -- -std=c11 -D_GNU_SOURCE -Isrc/core 2>/dev/null' sh

clean:
	rm -rf $(BUILD)

unit: $(BINS)

$(UNIT)/core/%.o: src/core/%.c Makefile | $(UNIT)/core
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# cmocka 2 deprecates names for which cmocka 1 has no others
$(BINS): $(UNIT)/%: tests/unit/%.c $(CORE:src/core/%.c=$(UNIT)/core/%.o) Makefile
	@$(CC) $(CFLAGS) -DCMOCKA_DISABLE_DEPRECATION_WARNINGS -Isrc/core -MMD -MP -o $@ $< $(filter %.o,$^) $(LIBS)

$(BUILD)/fuzz/%.o: src/%.c Makefile | $(BUILD)/fuzz/core $(BUILD)/fuzz/audit
	@$(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/fuzz_replay: $(addprefix $(BUILD)/fuzz/audit/,replay_read.o month.o)

$(FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c $(CORE:src/core/%.c=$(BUILD)/fuzz/core/%.o) Makefile
	@$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -MMD -MP -o $@ $< $(filter %.o,$^) $(LIBS)

$(UNIT)/core $(BUILD)/fuzz/core $(BUILD)/fuzz/audit:
	@mkdir -p $@

-include $(wildcard $(UNIT)/*.d $(UNIT)/core/*.d $(AUDIT).o/src/*/*.d $(AUDIT)*.d \
	$(BUILD)/memory.d \
	$(BUILD)/fuzz/*.d $(BUILD)/fuzz/*/*.d)
