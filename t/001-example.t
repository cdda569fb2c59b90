# The shortest way to a test: one block, one fact.  What blocks cannot express
# (several gateways, signals, exact pipelines) is in the files that follow.

use strict;
use warnings;

use lib 't/lib';
use PaasGuard;

plan 'no_plan';
run_tests();

__DATA__

=== TEST 1: a duplicate is refused, and says so
--- http_config
    paas_guard_zone zone=z:1m;
--- config
    location /t {
        paas_guard zone=z;
        proxy_pass http://backend;
    }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_headers_like eval
["Content-Type: text/plain", "PaaS-Guard: throttled; reason=duplicate_throttled; sla=excluded; event=\"[0-9a-f]{24}\""]



=== TEST 2: another request is not
--- http_config
    paas_guard_zone zone=z:1m;
--- config
    location /t {
        paas_guard zone=z;
        proxy_pass http://backend;
    }
--- request eval
["GET /t?a=1", "GET /t?a=2", "POST /t?a=1\nx", "POST /t?a=1\ny"]
--- error_code eval
[200, 200, 200, 200]



=== TEST 3: hammering is blocked
--- http_config
    paas_guard_zone zone=z:1m;
    paas_guard_hammer_rule flood key=$paas_guard_client_id window=1m limit=2;
--- config
    location /t {
        paas_guard zone=z;
        paas_guard_hammer flood;
        proxy_pass http://backend;
    }
--- request eval
["GET /t?a=1", "GET /t?a=2", "GET /t?a=3", "GET /t?a=4"]
--- error_code eval
[200, 200, 429, 429]
--- response_body_like eval
["backend", "backend", '"reason": "hammering_blocked"', '"rule": "flood"']



=== TEST 4: another client is not
--- http_config
    paas_guard_zone zone=z:1m;
    paas_guard_hammer_rule flood key=$paas_guard_client_id window=1m limit=1;
--- config
    location /t {
        paas_guard zone=z;
        paas_guard_hammer flood;
        proxy_pass http://backend;
    }
--- request eval
["GET /t?a=1", "GET /t?a=2", "GET /t?a=1"]
--- more_headers eval
["", "", "X-API-Key: another"]
--- error_code eval
[200, 429, 200]



=== TEST 5: an unknown zone is refused
--- http_config
--- config
    location /t {
        paas_guard zone=nowhere;
    }
--- must_die
--- error_log
"paas_guard": zone "nowhere" is not defined by "paas_guard_zone"
