/*
 * Outages of an indicator: declared, restored, corrected, withdrawn.
 */

#include "ngx_paas_guard_api_sla.h"
#include "../core/pguard_str.h"


enum {
    NGX_PAAS_GUARD_OUTAGE_NOTIFIED = NGX_PAAS_GUARD_API_FIRST,
    NGX_PAAS_GUARD_OUTAGE_DETECTED,
    NGX_PAAS_GUARD_OUTAGE_RESTORED,
    NGX_PAAS_GUARD_OUTAGE_CONFIRMED_BY,
    NGX_PAAS_GUARD_OUTAGE_CONFIRMER,
    NGX_PAAS_GUARD_OUTAGE_CAUSE,
    NGX_PAAS_GUARD_OUTAGE_REOPEN,
    NGX_PAAS_GUARD_OUTAGE_WITHDRAW
};


static ngx_int_t ngx_paas_guard_api_outage_say(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static ngx_int_t ngx_paas_guard_api_outage_flags(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static ngx_int_t ngx_paas_guard_api_outage_enter(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call);
static void ngx_paas_guard_api_outage_audit(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call, const char *what);


/* POST api/1/sla/{indicator}/outages */

static ngx_int_t
ngx_paas_guard_api_declare(ngx_paas_guard_api_t *api)
{
    ngx_int_t                  rc;
    ngx_paas_guard_api_sla_t  *call;

    rc = ngx_paas_guard_api_sla_call(api, &call);

    if (rc == NGX_OK) {
        call->kind = PGUARD_OUTAGE_DECLARED;
        api->status = NGX_HTTP_CREATED;
        rc = ngx_paas_guard_api_outage_say(api, call);
    }

    return rc == NGX_OK ? ngx_paas_guard_api_outage_enter(api, call) : rc;
}


/* PATCH api/1/sla/{indicator}/outages/{id}: of this month's records, for each
   has the whole log of its gateway */

static ngx_int_t
ngx_paas_guard_api_change_found(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    size_t                  i;
    ngx_paas_guard_month_t  *m;

    m = &call->month;

    for (i = 0; i < m->in.outages; i++) {
        if (pguard_report_named(&m->in.outage[i], api->star[1])) {
            call->outage = m->in.outage[i];
            return ngx_paas_guard_api_outage_enter(api, call);
        }
    }

    return ngx_paas_guard_api_problem(api, m->partial
                                           ? PGUARD_PROBLEM_OUTAGE_ELSEWHERE
                                           : PGUARD_PROBLEM_OUTAGE_UNKNOWN,
                                      api->star[1]);
}


static void
ngx_paas_guard_api_change_ready(ngx_paas_guard_month_t *m, ngx_int_t rc)
{
    ngx_paas_guard_api_t  *api;

    api = m->data;

    ngx_paas_guard_api_done(api, rc == NGX_OK
                           ? ngx_paas_guard_api_change_found(api, api->data)
                           : rc);
}


static ngx_int_t
ngx_paas_guard_api_change(ngx_paas_guard_api_t *api)
{
    ngx_int_t                  rc;
    pguard_month_span_t        span;
    ngx_paas_guard_api_sla_t  *call;

    rc = ngx_paas_guard_api_sla_call(api, &call);

    if (rc == NGX_OK) {
        call->kind = PGUARD_OUTAGE_CORRECTED;
        rc = ngx_paas_guard_api_outage_say(api, call);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (!pguard_month_of(&call->sla->indicator->tz, ngx_time(), &span)) {
        return NGX_ERROR;
    }

    call->month.month = span.month;
    call->month.handler = ngx_paas_guard_api_change_ready;

    rc = ngx_paas_guard_sla_month(&call->month);

    return rc == NGX_OK ? ngx_paas_guard_api_change_found(api, call) : rc;
}


/* A time of a member, in seconds: up, an outage does not get shorter. */

static ngx_int_t
ngx_paas_guard_api_outage_time(ngx_paas_guard_api_t *api, ngx_uint_t member,
    ngx_uint_t up, uint64_t *at)
{
    uint64_t  ms;

    if (!api->value[member].given) {
        return NGX_OK;
    }

    if (!pguard_time_parse(api->value[member].str, &ms) || ms < 1000) {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        api->call->members[member].name);
    }

    *at = (ms + (up ? 999 : 0)) / 1000;

    return NGX_OK;
}


static ngx_int_t
ngx_paas_guard_api_outage_say(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    ngx_uint_t            i;
    pguard_value_t       *value;
    pguard_outage_say_t  *say;

    say = &call->say;
    value = api->value;

    say->who = api->who;
    say->cause = value[NGX_PAAS_GUARD_OUTAGE_CAUSE].str;
    say->confirmer = value[NGX_PAAS_GUARD_OUTAGE_CONFIRMER].str;
    say->at = (api->wall + 999) / 1000;

    if (ngx_paas_guard_api_outage_time(api, NGX_PAAS_GUARD_OUTAGE_NOTIFIED, 0,
                                       &say->notified)
        != NGX_OK
        || ngx_paas_guard_api_outage_time(api, NGX_PAAS_GUARD_OUTAGE_DETECTED,
                                          0, &say->detected)
           != NGX_OK
        || ngx_paas_guard_api_outage_time(api, NGX_PAAS_GUARD_OUTAGE_RESTORED,
                                          1, &say->end)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    for (i = 1; i < PGUARD_CONFIRMED; i++) {
        if (pguard_str_same(value[NGX_PAAS_GUARD_OUTAGE_CONFIRMED_BY].str,
                            pguard_confirmed_names[i]))
        {
            say->confirmed_by = i;
        }
    }

    if (value[NGX_PAAS_GUARD_OUTAGE_CONFIRMED_BY].given
        && say->confirmed_by == PGUARD_CONFIRMED_NOT)
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        "confirmed_by");
    }

    return call->kind == PGUARD_OUTAGE_CORRECTED
           ? ngx_paas_guard_api_outage_flags(api, call) : NGX_OK;
}


/* An outage that is open again has no end, and what was none is not open. */

static ngx_int_t
ngx_paas_guard_api_outage_flags(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    pguard_value_t  *value;

    value = api->value;
    call->say.reopen = value[NGX_PAAS_GUARD_OUTAGE_REOPEN].num != 0;

    if (call->say.reopen
        && (value[NGX_PAAS_GUARD_OUTAGE_RESTORED].given
            || value[NGX_PAAS_GUARD_OUTAGE_CONFIRMED_BY].given
            || value[NGX_PAAS_GUARD_OUTAGE_CONFIRMER].given
            || value[NGX_PAAS_GUARD_OUTAGE_WITHDRAW].num))
    {
        return ngx_paas_guard_api_wrong(api, PGUARD_PROBLEM_MEMBER_VALUE,
                                        "reopen");
    }

    if (value[NGX_PAAS_GUARD_OUTAGE_WITHDRAW].num) {
        call->kind = PGUARD_OUTAGE_WITHDRAWN;
    }

    return NGX_OK;
}


/* What this gateway has entered of the outage, since the records were read:
   another worker may have been asked at the same time. */

static void
ngx_paas_guard_api_outage_again(ngx_paas_guard_api_sla_t *call,
    const pguard_outage_log_t *log)
{
    uint64_t                      id;
    pguard_outage_t               own, *o;
    const pguard_outage_entry_t  *e;

    o = &call->outage;

    if (pguard_id_same(&o->gateway, &call->sla->head->gateway)
        && pguard_outage_get(log, o->id, &own)
        && own.last.at >= o->last.at)
    {
        own.gateway = o->gateway;
        *o = own;
    }

    for (id = log->ends->first + 1; id <= log->ends->next; id++) {
        e = pguard_outage_entry(log, id);

        if (pguard_outage_foreign(e) && e->at > o->last.at) {
            pguard_outage_adopt(o, 1, e);
        }
    }
}


static const char *
ngx_paas_guard_api_outage_add(ngx_paas_guard_api_sla_t *call,
    const pguard_outage_log_t *log)
{
    const char       *wrong;
    pguard_outage_t  *o, stands;

    o = &call->outage;

    if (call->kind == PGUARD_OUTAGE_DECLARED) {
        wrong = pguard_outage_declare(log, &call->say, &o->id);

        if (wrong == NULL) {
            (void) pguard_outage_get(log, o->id, o);
            o->gateway = call->sla->head->gateway;
        }

        return wrong;
    }

    ngx_paas_guard_api_outage_again(call, log);

    if (call->kind == PGUARD_OUTAGE_CORRECTED && o->end == 0 && call->say.end)
    {
        call->kind = PGUARD_OUTAGE_RESTORED;
    }

    stands = *o;

    if (pguard_id_same(&o->gateway, &call->sla->head->gateway)) {
        ngx_memzero(&stands.gateway, sizeof(pguard_id_t));
    }

    wrong = pguard_outage_enter(log, call->kind, &call->say, &stands);

    if (wrong == NULL) {
        pguard_outage_apply_to(o, pguard_outage_entry(log, log->ends->next));
    }

    return wrong;
}


static ngx_int_t
ngx_paas_guard_api_outage_enter(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call)
{
    const char    *wrong;
    pguard_out_t   out;

    static const char *const  whats[PGUARD_OUTAGE_KINDS] = {
        [PGUARD_OUTAGE_DECLARED]  = "declare_outage",
        [PGUARD_OUTAGE_RESTORED]  = "restore_outage",
        [PGUARD_OUTAGE_CORRECTED] = "correct_outage",
        [PGUARD_OUTAGE_WITHDRAWN] = "withdraw_outage"
    };

    ngx_shmtx_lock(&call->sla->shpool->mutex);
    wrong = ngx_paas_guard_api_outage_add(call, &call->sla->ledger.log);
    ngx_shmtx_unlock(&call->sla->shpool->mutex);

    if (wrong) {
        return ngx_paas_guard_api_problem(api, pguard_problem_find(wrong),
                                          api->star[1]);
    }

    call->sla->figured = 0;

    pguard_out_init(&out, call->id, sizeof(call->id));
    pguard_report_id(&out, &call->outage);
    call->id_len = out.need;

    ngx_paas_guard_api_outage_audit(api, call, whats[call->kind]);

    return NGX_OK;
}


static void
ngx_paas_guard_api_outage_audit(ngx_paas_guard_api_t *api,
    ngx_paas_guard_api_sla_t *call, const char *what)
{
    pguard_str_t                   id;
    pguard_audit_record_t          rec;
    const pguard_outage_entry_t   *e;

    e = &call->outage.last;
    id.data = call->id;
    id.len = call->id_len;

    ngx_paas_guard_api_action(api, &rec, what);
    rec.str[PGUARD_AUDIT_TARGET] = id;
    ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_ZONE], call->sla->zone->name);
    ngx_paas_guard_audit(api->gmcf, &rec);

    ngx_paas_guard_core_str(rec.str[PGUARD_AUDIT_INDICATOR],
                            call->sla->indicator->name);
    rec.str[PGUARD_AUDIT_OUTAGE] = id;
    rec.str[PGUARD_AUDIT_CAUSE].data = e->cause;
    rec.str[PGUARD_AUDIT_CAUSE].len = e->cause_len;
    rec.num[PGUARD_AUDIT_DETECTED] = e->detected * 1000;
    rec.num[PGUARD_AUDIT_NOTIFIED] = e->notified * 1000;
    rec.num[PGUARD_AUDIT_RESTORED] = e->end * 1000;
    rec.str[PGUARD_AUDIT_CONFIRMED_BY] =
                                     pguard_confirmed_names[e->confirmed_by];

    if (call->kind == PGUARD_OUTAGE_CORRECTED) {
        rec.str[PGUARD_AUDIT_CORRECTS] = id;
    }

    if (call->kind == PGUARD_OUTAGE_DECLARED
        || call->kind == PGUARD_OUTAGE_CORRECTED)
    {
        rec.type = PGUARD_AUDIT_OUTAGE_DECLARED;
        ngx_paas_guard_audit(api->gmcf, &rec);
    }

    if (call->say.end && call->kind != PGUARD_OUTAGE_WITHDRAWN) {
        rec.type = PGUARD_AUDIT_OUTAGE_CONFIRMED;
        ngx_paas_guard_audit(api->gmcf, &rec);
    }
}


static void
ngx_paas_guard_api_outage_write(ngx_paas_guard_api_t *api)
{
    ngx_paas_guard_api_sla_t  *call;

    call = api->data;

    pguard_out_text(&api->out, "{\"outage\":");
    pguard_report_outage(&api->out, NULL, &call->outage);
    pguard_out_text(&api->out, "}\n");
}


static const char *const  ngx_paas_guard_api_outage_args[] = { "zone", NULL };


/* In the order of the enumeration above; a declaration has not the last two. */

#define ngx_paas_guard_api_outage_common                                      \
    ngx_paas_guard_api_common,                                                \
    { "notified_at", PGUARD_MEMBER_STRING, 64 },                              \
    { "detected_at", PGUARD_MEMBER_STRING, 64 },                              \
    { "restored_at", PGUARD_MEMBER_STRING, 64 },                              \
    { "confirmed_by", PGUARD_MEMBER_STRING, 64 },                             \
    { "confirmer", PGUARD_MEMBER_STRING, PGUARD_WHO_MAX },                    \
    { "cause", PGUARD_MEMBER_STRING, PGUARD_CAUSE_MAX }

static const pguard_member_t  ngx_paas_guard_api_declare_members[] = {
    ngx_paas_guard_api_outage_common,
    ngx_paas_guard_no_member
};

static const pguard_member_t  ngx_paas_guard_api_change_members[] = {
    ngx_paas_guard_api_outage_common,
    { "reopen", PGUARD_MEMBER_FLAG, 0 },
    { "withdraw", PGUARD_MEMBER_FLAG, 0 },
    ngx_paas_guard_no_member
};


const ngx_paas_guard_api_call_t  ngx_paas_guard_api_outages[] = {

    { NGX_HTTP_POST, "api/1/sla/*/outages", ngx_paas_guard_api_outage_args,
      ngx_paas_guard_api_declare_members,
      ngx_paas_guard_api_declare, ngx_paas_guard_api_outage_write },

    { NGX_HTTP_PATCH, "api/1/sla/*/outages/*", ngx_paas_guard_api_outage_args,
      ngx_paas_guard_api_change_members,
      ngx_paas_guard_api_change, ngx_paas_guard_api_outage_write },

    ngx_paas_guard_no_call
};
