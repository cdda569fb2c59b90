/*
 * Outages that people declare: see pguard_outage.h.
 *
 * An entry is written whole before ends->next tells of it, so one whose writer
 * died is never seen, and the next writer takes its place.
 */

#include "pguard_outage.h"
#include "pguard_atomic.h"

#include <string.h>


static const char *pguard_outage_fill(pguard_outage_entry_t *e,
    const pguard_outage_say_t *say);
static const char *pguard_outage_texts(pguard_outage_entry_t *e,
    const pguard_outage_say_t *say);
static const char *pguard_outage_check(const pguard_outage_entry_t *e);
static const char *pguard_outage_append(const pguard_outage_log_t *log,
    pguard_outage_entry_t *e);
static void pguard_outage_set(pguard_outage_t *o,
    const pguard_outage_entry_t *e);


const pguard_str_t  pguard_confirmed_names[PGUARD_CONFIRMED] = {
    [PGUARD_CONFIRMED_NOT]        = pguard_string(""),
    [PGUARD_CONFIRMED_MONITORING] = pguard_string("monitoring"),
    [PGUARD_CONFIRMED_USER]       = pguard_string("user")
};


static uint64_t
pguard_outage_start(const pguard_outage_entry_t *e)
{
    if (e->notified == 0 || (e->detected && e->detected < e->notified)) {
        return e->detected;
    }

    return e->notified;
}


const char *
pguard_outage_declare(const pguard_outage_log_t *log,
    const pguard_outage_say_t *say, uint64_t *id)
{
    const char             *wrong;
    pguard_outage_entry_t   e;

    memset(&e, 0, sizeof(e));
    e.kind = PGUARD_OUTAGE_DECLARED;

    wrong = pguard_outage_fill(&e, say);

    if (wrong == NULL) {
        wrong = pguard_outage_append(log, &e);
    }

    if (wrong == NULL) {
        *id = e.id;
    }

    return wrong;
}


const char *
pguard_outage_enter(const pguard_outage_log_t *log,
    pguard_outage_kind_e kind, const pguard_outage_say_t *say,
    const pguard_outage_t *stands)
{
    const char             *wrong;
    pguard_outage_entry_t   e;

    if (stands->withdrawn) {
        return "outage_withdrawn";
    }

    /* what stands is how the entry begins */

    e = stands->last;
    e.kind = (uint8_t) kind;
    e.refers = stands->id;
    e.gateway = stands->gateway;

    if (kind == PGUARD_OUTAGE_RESTORED && e.end) {
        return "outage_restored";
    }

    if (kind == PGUARD_OUTAGE_RESTORED && say->end == 0) {
        return "outage_no_end";
    }

    if (kind == PGUARD_OUTAGE_CORRECTED && say->reopen) {
        e.end = 0;
        e.confirmed_by = PGUARD_CONFIRMED_NOT;
        e.confirmer_len = 0;
    }

    wrong = pguard_outage_fill(&e, say);

    if (wrong) {
        return wrong;
    }

    /* after what it is built on, though another clock was ahead */

    if (e.at < stands->last.at
        || (e.at == stands->last.at && (pguard_outage_foreign(&stands->last)
                                        || pguard_outage_foreign(&e))))
    {
        e.at = stands->last.at + 1;
    }

    return pguard_outage_append(log, &e);
}


static const char *
pguard_outage_fill(pguard_outage_entry_t *e, const pguard_outage_say_t *say)
{
    const char  *wrong;

    wrong = pguard_outage_texts(e, say);

    if (wrong) {
        return wrong;
    }

    e->at = say->at;
    e->notified = say->notified ? say->notified : e->notified;
    e->detected = say->detected ? say->detected : e->detected;
    e->end = say->end ? say->end : e->end;

    if (say->confirmed_by) {
        e->confirmed_by = (uint8_t) say->confirmed_by;
    }

    return pguard_outage_check(e);
}


static uint8_t
pguard_outage_copy(unsigned char *to, pguard_str_t s)
{
    memcpy(to, s.data, s.len);

    return (uint8_t) s.len;
}


static const char *
pguard_outage_texts(pguard_outage_entry_t *e, const pguard_outage_say_t *say)
{
    if (say->who.len == 0 || say->who.len > PGUARD_WHO_MAX) {
        return "outage_who";
    }

    if (say->confirmer.len > PGUARD_WHO_MAX) {
        return "outage_confirmer";
    }

    if (say->cause.len > PGUARD_CAUSE_MAX) {
        return "outage_cause";
    }

    e->who_len = pguard_outage_copy(e->who, say->who);

    if (say->confirmer.len) {
        e->confirmer_len = pguard_outage_copy(e->confirmer, say->confirmer);
    }

    if (say->cause.len) {
        e->cause_len = pguard_outage_copy(e->cause, say->cause);
    }

    return NULL;
}


static const char *
pguard_outage_check(const pguard_outage_entry_t *e)
{
    if (e->notified == 0 && e->detected == 0) {
        return "outage_no_start";
    }

    if (e->notified > e->at || e->detected > e->at || e->end > e->at) {
        return "outage_future";
    }

    if (e->end && e->end < pguard_outage_start(e)) {
        return "outage_order";
    }

    if ((e->end != 0) != (e->confirmed_by != PGUARD_CONFIRMED_NOT)
        || e->confirmed_by >= PGUARD_CONFIRMED)
    {
        return "outage_confirmed";
    }

    return NULL;
}


int
pguard_outage_valid(const pguard_outage_entry_t *e)
{
    return e->id != 0 && e->kind < PGUARD_OUTAGE_KINDS
           && (e->kind == PGUARD_OUTAGE_DECLARED
               ? e->refers == 0 && !pguard_outage_foreign(e)
               : e->refers != 0
                 && (e->refers < e->id || pguard_outage_foreign(e)))
           && e->who_len != 0 && e->who_len <= PGUARD_WHO_MAX
           && e->cause_len <= PGUARD_CAUSE_MAX
           && e->confirmer_len <= PGUARD_WHO_MAX
           && pguard_outage_check(e) == NULL;
}


static const char *
pguard_outage_append(const pguard_outage_log_t *log, pguard_outage_entry_t *e)
{
    uint64_t  n = log->ends->next;

    if (n - log->ends->first >= log->entries) {
        return "outage_full";
    }

    e->id = n + 1;
    log->entry[n % log->entries] = *e;

    pguard_store(&log->ends->next, n + 1);

    return NULL;
}


int
pguard_outage_put(const pguard_outage_log_t *log,
    const pguard_outage_entry_t *e)
{
    pguard_outage_entry_t   copy = *e;
    pguard_outage_ends_t   *ends = log->ends;

    if (!pguard_outage_valid(e)) {
        return 0;
    }

    if (ends->next == 0) {
        ends->first = e->id - 1;
        ends->next = e->id - 1;
    }

    return e->id == ends->next + 1 && pguard_outage_append(log, &copy) == NULL;
}


const pguard_outage_entry_t *
pguard_outage_entry(const pguard_outage_log_t *log, uint64_t id)
{
    return (id > log->ends->first && id <= log->ends->next)
           ? &log->entry[(id - 1) % log->entries] : NULL;
}


static void
pguard_outage_set(pguard_outage_t *o, const pguard_outage_entry_t *e)
{
    if (e->kind == PGUARD_OUTAGE_DECLARED) {
        memset(o, 0, sizeof(pguard_outage_t));
        o->id = e->id;
        o->declared = e->at;
        o->declarer_len = e->who_len;
        memcpy(o->declarer, e->who, sizeof(o->declarer));
    }

    o->last = *e;
    o->start = pguard_outage_start(e);
    o->end = e->end;
    o->own = pguard_outage_foreign(e) ? o->own : e->at;
    o->corrections += e->kind == PGUARD_OUTAGE_CORRECTED;
    o->withdrawn = e->kind == PGUARD_OUTAGE_WITHDRAWN;
}


int
pguard_outage_get(const pguard_outage_log_t *log, uint64_t id,
    pguard_outage_t *outage)
{
    uint64_t                      n;
    const pguard_outage_entry_t  *e;

    e = pguard_outage_entry(log, id);

    if (e == NULL || e->kind != PGUARD_OUTAGE_DECLARED) {
        return 0;
    }

    pguard_outage_set(outage, e);

    for (n = id + 1; n <= log->ends->next; n++) {
        e = pguard_outage_entry(log, n);

        if (e->refers == id && !pguard_outage_foreign(e)) {
            pguard_outage_set(outage, e);
        }
    }

    return 1;
}


void
pguard_outage_apply(pguard_outage_t *list, size_t *n, size_t max,
    const pguard_outage_entry_t *e)
{
    size_t  i;

    if (e->kind == PGUARD_OUTAGE_DECLARED) {
        if (*n < max) {
            pguard_outage_set(&list[(*n)++], e);
        }

        return;
    }

    if (pguard_outage_foreign(e)) {
        return;
    }

    for (i = *n; i > 0; i--) {
        if (list[i - 1].id == e->refers) {
            pguard_outage_set(&list[i - 1], e);
            return;
        }
    }
}


int
pguard_outage_foreign(const pguard_outage_entry_t *e)
{
    return pguard_id_known(&e->gateway);
}


int
pguard_outage_take(const pguard_outage_log_t *log,
    const pguard_outage_entry_t *e)
{
    pguard_outage_entry_t  own = *e;

    memset(&own.gateway, 0, sizeof(pguard_id_t));

    return pguard_outage_append(log, &own) == NULL;
}


void
pguard_outage_apply_to(pguard_outage_t *o, const pguard_outage_entry_t *e)
{
    pguard_outage_set(o, e);
}


void
pguard_outage_adopt(pguard_outage_t *list, size_t n,
    const pguard_outage_entry_t *e)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (list[i].id == e->refers && list[i].own < e->at
            && pguard_id_same(&list[i].gateway, &e->gateway))
        {
            if (list[i].last.at < e->at) {
                pguard_outage_set(&list[i], e);

            } else {
                list[i].corrections += e->kind == PGUARD_OUTAGE_CORRECTED;
            }

            return;
        }
    }
}


size_t
pguard_outage_list(const pguard_outage_log_t *log, pguard_outage_t *list,
    size_t max)
{
    size_t    n;
    uint64_t  id;

    n = 0;

    for (id = log->ends->first + 1; id <= log->ends->next; id++) {
        pguard_outage_apply(list, &n, max, pguard_outage_entry(log, id));
    }

    pguard_outage_sort(list, n);

    return n;
}


void
pguard_outage_sort(pguard_outage_t *list, size_t n)
{
    size_t           i, j;
    pguard_outage_t  o;

    for (i = 1; i < n; i++) {
        if (list[i - 1].start <= list[i].start) {
            continue;
        }

        o = list[i];

        for (j = i; j > 0 && list[j - 1].start > o.start; j--) {
            list[j] = list[j - 1];
        }

        list[j] = o;
    }
}


void
pguard_outage_expire(const pguard_outage_log_t *log, uint64_t horizon)
{
    pguard_outage_t               o;
    pguard_outage_ends_t         *ends = log->ends;
    const pguard_outage_entry_t  *e;

    while (ends->first < ends->next) {
        e = pguard_outage_entry(log, ends->first + 1);

        if (e->kind == PGUARD_OUTAGE_DECLARED) {
            if (pguard_outage_get(log, e->id, &o)
                && (o.withdrawn ? o.start >= horizon
                                : (o.end == 0 || o.end > horizon)))
            {
                return;
            }

        } else if (pguard_outage_foreign(e) ? e->at > horizon
                                            : e->refers > ends->first)
        {
            return;
        }

        pguard_store(&ends->first, ends->first + 1);
    }
}
