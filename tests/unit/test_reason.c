/*
 * pguard_name and pguard_reason: the closed lists, as README.md has them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pguard_reason.h"


static void
same(pguard_str_t s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}


static void
test_names(void **state)
{
    size_t  i;

    static const char *const  verdicts[] = { "passed", "throttled", "blocked",
        "exempt", "throttled_dry_run", "blocked_dry_run" };
    static const char *const  reasons[] = { "duplicate_throttled",
        "hammering_blocked", "auth_lockout", "operator_blocked" };
    static const char *const  classes[] = { "good", "failed", "excluded",
        "ignored" };
    static const char *const  whys[] = { "upgrade", "unbuffered", "too_large",
        "body_off", "error" };

    (void) state;

    for (i = 0; i < PGUARD_VERDICTS; i++) {
        same(pguard_verdict_names[i], verdicts[i]);
    }

    for (i = 0; i < PGUARD_REASONS; i++) {
        same(pguard_reason_names[i], reasons[i]);
    }

    for (i = 0; i < PGUARD_SLA_CLASSES; i++) {
        same(pguard_sla_names[i], classes[i]);
    }

    for (i = 0; i < PGUARD_UNSIGNED_WHYS; i++) {
        same(pguard_unsigned_names[i], whys[i]);
    }
}


static void
test_reasons(void **state)
{
    size_t                  i;
    const pguard_reason_t  *r;

    static const struct {
        pguard_sla_e  sla;
        const char   *word;
        const char   *error;
        const char   *type;
    } rows[PGUARD_REASONS] = {
        { PGUARD_SLA_EXCLUDED, "throttled", "http_request_error",
          "https://iana.org/assignments/http-problem-types#quota-exceeded" },
        { PGUARD_SLA_EXCLUDED, "blocked", "http_request_denied",
          "https://iana.org/assignments/http-problem-types"
          "#abnormal-usage-detected" },
        { PGUARD_SLA_GOOD, "blocked", "http_request_denied",
          "https://iana.org/assignments/http-problem-types"
          "#abnormal-usage-detected" },
        { PGUARD_SLA_FAILED, "blocked", "http_request_denied",
          "https://iana.org/assignments/http-problem-types"
          "#abnormal-usage-detected" }
    };

    (void) state;

    for (i = 0; i < PGUARD_REASONS; i++) {
        r = pguard_reason((pguard_reason_e) i);
        assert_non_null(r);
        assert_int_equal(r->sla, rows[i].sla);
        same(r->word, rows[i].word);
        same(r->proxy_error, rows[i].error);
        same(r->type, rows[i].type);
    }

    assert_null(pguard_reason(PGUARD_REASON_NONE));
    assert_null(pguard_reason((pguard_reason_e) -1));
    assert_null(pguard_reason((pguard_reason_e) 255));
}


#define NONE  PGUARD_VERDICTS

static void
test_sla_class(void **state)
{
    size_t  i;

    static const struct {
        int           verdict;
        int           reason;
        unsigned      status;
        unsigned      reached;
        pguard_sla_e  class;
    } rows[] = {

        /* the closed list, whatever the status of the refusal */

        { PGUARD_VERDICT_THROTTLED, PGUARD_REASON_DUPLICATE, 429, 0,
          PGUARD_SLA_EXCLUDED },
        { PGUARD_VERDICT_THROTTLED, PGUARD_REASON_DUPLICATE, 444, 0,
          PGUARD_SLA_EXCLUDED },
        { PGUARD_VERDICT_THROTTLED, PGUARD_REASON_DUPLICATE, 200, 0,
          PGUARD_SLA_EXCLUDED },
        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_HAMMERING, 403, 0,
          PGUARD_SLA_EXCLUDED },
        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_HAMMERING, 499, 0,
          PGUARD_SLA_EXCLUDED },
        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_LOCKOUT, 429, 0,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_OPERATOR, 429, 0,
          PGUARD_SLA_FAILED },

        /* by the answer */

        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 200, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 101, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 404, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 429, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 499, 1,
          PGUARD_SLA_IGNORED },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 500, 1,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 599, 1,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 413, 0,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_EXEMPT, PGUARD_REASON_NONE, 502, 1,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_EXEMPT, PGUARD_REASON_NONE, 400, 0,
          PGUARD_SLA_GOOD },

        /* nothing was refused: no reason can exclude it */

        { PGUARD_VERDICT_THROTTLED_DRY_RUN, PGUARD_REASON_DUPLICATE, 200, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_THROTTLED_DRY_RUN, PGUARD_REASON_DUPLICATE, 503, 1,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_BLOCKED_DRY_RUN, PGUARD_REASON_HAMMERING, 504, 1,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_BLOCKED_DRY_RUN, PGUARD_REASON_OPERATOR, 200, 1,
          PGUARD_SLA_GOOD },
        { PGUARD_VERDICT_BLOCKED_DRY_RUN, PGUARD_REASON_HAMMERING, 499, 1,
          PGUARD_SLA_IGNORED },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_HAMMERING, 500, 1,
          PGUARD_SLA_FAILED },
        { NONE, PGUARD_REASON_DUPLICATE, 500, 1, PGUARD_SLA_FAILED },

        /* refused with no reason: by its answer */

        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_NONE, 500, 0,
          PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_BLOCKED, PGUARD_REASON_NONE, 429, 0,
          PGUARD_SLA_GOOD },

        /* no verdict */

        { NONE, PGUARD_REASON_NONE, 400, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 408, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 414, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 499, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 400, 1, PGUARD_SLA_GOOD },
        { NONE, PGUARD_REASON_NONE, 301, 0, PGUARD_SLA_GOOD },
        { NONE, PGUARD_REASON_NONE, 503, 0, PGUARD_SLA_FAILED },
        { NONE, PGUARD_REASON_NONE, 502, 1, PGUARD_SLA_FAILED },

        /* a version of HTTP, or an encoding, that nginx does not speak */

        { NONE, PGUARD_REASON_NONE, 501, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 505, 0, PGUARD_SLA_IGNORED },
        { NONE, PGUARD_REASON_NONE, 501, 1, PGUARD_SLA_FAILED },
        { NONE, PGUARD_REASON_NONE, 505, 1, PGUARD_SLA_FAILED },
        { PGUARD_VERDICT_PASSED, PGUARD_REASON_NONE, 501, 0,
          PGUARD_SLA_FAILED }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (pguard_sla_class((pguard_verdict_e) rows[i].verdict,
                             (pguard_reason_e) rows[i].reason,
                             rows[i].status, rows[i].reached)
            != rows[i].class)
        {
            fail_msg("row %zu: verdict %d reason %d status %u reached %u", i,
                     rows[i].verdict, rows[i].reason, rows[i].status,
                     rows[i].reached);
        }
    }
}


/* Over all inputs: excluded only if truly refused, and no 5xx is hidden. */

static void
test_sla_invariants(void **state)
{
    int           v, r;
    unsigned      status, reached, refused;
    pguard_sla_e  class;

    (void) state;

    for (v = 0; v <= PGUARD_VERDICTS; v++) {
        for (r = 0; r <= PGUARD_REASONS; r++) {
            for (status = 0; status < 700; status++) {
                for (reached = 0; reached < 2; reached++) {
                    class = pguard_sla_class((pguard_verdict_e) v,
                                             (pguard_reason_e) r, status,
                                             reached);
                    refused = v == PGUARD_VERDICT_THROTTLED
                              || v == PGUARD_VERDICT_BLOCKED;

                    if (class == PGUARD_SLA_EXCLUDED) {
                        assert_true(refused);
                        assert_true(r == PGUARD_REASON_DUPLICATE
                                    || r == PGUARD_REASON_HAMMERING);
                    }

                    if (status >= 500 && !refused
                        && (reached || v != PGUARD_VERDICTS
                            || (status != 501 && status != 505)))
                    {
                        assert_int_equal(class, PGUARD_SLA_FAILED);
                    }
                }
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_sla_class),
        cmocka_unit_test(test_sla_invariants)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
