/*
 * Erases what the store has of one id.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_paas_guard_store_private.h"


#define NGX_PAAS_GUARD_FORGET_BATCH  24


/* What the store may have of one id: windows, which are keys, and blocks,
   which are fields; under each rule and in each service. */

typedef struct {
    ngx_paas_guard_store_t         *store;
    ngx_paas_guard_zone_t          *zone;
    pguard_message_t                message;
    ngx_paas_guard_call_pt          handler;
    void                           *data;
    ngx_uint_t                      calls;
    ngx_uint_t                      failed;
    ngx_uint_t                      nkeys;
    ngx_uint_t                      nfields;
    ngx_str_t                       keys[NGX_PAAS_GUARD_FORGET_BATCH + 1];
    ngx_str_t                       fields[NGX_PAAS_GUARD_FORGET_BATCH + 4];
    u_char                          text[2 * NGX_PAAS_GUARD_FORGET_BATCH]
                                        [PGUARD_STORE_KEY_MAX];
} ngx_paas_guard_forgetting_t;


static void
ngx_paas_guard_forget_call(ngx_paas_guard_forgetting_t *f, ngx_int_t script,
    ngx_uint_t keys, ngx_str_t *args, ngx_uint_t nargs)
{
    ngx_paas_guard_call_t  call;

    ngx_memzero(&call, sizeof(ngx_paas_guard_call_t));

    call.script = script;
    call.keys = keys;
    call.args = args;
    call.nargs = nargs;
    call.handler = f->handler;
    call.data = f->data;

    if (ngx_paas_guard_servers_call(f->store->servers, &call) == NGX_OK) {
        f->calls++;

    } else {
        f->failed = 1;
    }
}


static void
ngx_paas_guard_forget_keys(ngx_paas_guard_forgetting_t *f)
{
    if (f->nkeys) {
        ngx_str_set(&f->keys[0], "DEL");
        ngx_paas_guard_forget_call(f, -1, 0, f->keys, f->nkeys + 1);
        f->nkeys = 0;
    }
}


/* The other gateways are told last, when nothing is there to be loaded. */

static void
ngx_paas_guard_forget_fields(ngx_paas_guard_forgetting_t *f, ngx_uint_t last)
{
    u_char        keys[2][PGUARD_STORE_KEY_MAX], text[PGUARD_MESSAGE_MAX];
    pguard_str_t  prefix, zone;

    if (f->nfields == 0 && !last) {
        return;
    }

    prefix = ngx_paas_guard_store_str(&f->store->prefix);
    zone = ngx_paas_guard_store_str(&f->zone->name);

    f->fields[0].data = keys[0];
    f->fields[0].len = pguard_store_key_blocks(keys[0], prefix, zone, "data");
    f->fields[1].data = keys[1];
    f->fields[1].len = pguard_store_key_blocks(keys[1], prefix, zone, "ends");
    f->fields[2].data = text;
    f->fields[2].len = last ? pguard_message_encode(text, &f->message) : 0;
    f->fields[3] = f->store->channel;

    ngx_paas_guard_forget_call(f, PGUARD_SCRIPT_FORGET, 2, f->fields,
                               f->nfields + 4);
    f->nfields = 0;
}


/* rule is NULL: what an operator has set; service is NULL: all. */

static void
ngx_paas_guard_forget_one(ngx_paas_guard_forgetting_t *f,
    ngx_paas_guard_rule_t *rule, ngx_paas_guard_service_t *service)
{
    ngx_str_t     *key, *field;
    pguard_str_t   rule_name = { 0, NULL };
    pguard_str_t   service_name = { 0, NULL };

    if (service) {
        service_name = ngx_paas_guard_store_str(&service->name);
    }

    if (rule) {
        rule_name = ngx_paas_guard_store_str(&rule->name);

        key = &f->keys[++f->nkeys];
        key->data = f->text[f->nkeys - 1];
        key->len = pguard_store_key_window(key->data,
                                   ngx_paas_guard_store_str(&f->store->prefix),
                                   ngx_paas_guard_store_str(&f->zone->name),
                                   &f->message.block.id, rule_name,
                                   rule->window.window, service_name);
    }

    (void) pguard_message_name(&f->message.rule, rule_name);
    (void) pguard_message_name(&f->message.service, service_name);

    field = &f->fields[4 + f->nfields++];
    field->data = f->text[NGX_PAAS_GUARD_FORGET_BATCH + f->nfields - 1];
    field->len = pguard_store_field(field->data, &f->message);

    if (f->nkeys == NGX_PAAS_GUARD_FORGET_BATCH) {
        ngx_paas_guard_forget_keys(f);
    }

    if (f->nfields == NGX_PAAS_GUARD_FORGET_BATCH) {
        ngx_paas_guard_forget_fields(f, 0);
    }
}


static void
ngx_paas_guard_forget_rule(ngx_paas_guard_forgetting_t *f,
    ngx_paas_guard_rule_t *rule)
{
    ngx_uint_t                  i;
    ngx_paas_guard_service_t  **services;

    services = f->zone->mcf->services.elts;

    if (rule == NULL || rule->scope_zone) {
        ngx_paas_guard_forget_one(f, rule, NULL);
    }

    for (i = 0; i < f->zone->mcf->services.nelts; i++) {

        if (services[i]->zone == f->zone
            && (rule == NULL || !rule->scope_zone))
        {
            ngx_paas_guard_forget_one(f, rule, services[i]);
        }
    }
}


ngx_int_t
ngx_paas_guard_store_forget(ngx_paas_guard_store_t *store,
    ngx_paas_guard_zone_t *zone, const pguard_id_t *id,
    ngx_paas_guard_call_pt handler, void *data, ngx_uint_t *calls)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_paas_guard_rule_t        **rules;
    ngx_paas_guard_forgetting_t   *f;

    *calls = 0;

    ngx_paas_guard_pending_forget(store, zone, id);

    if (!ngx_paas_guard_store_usable(store)) {
        return NGX_DECLINED;
    }

    /* a block in it asks for more than malloc()'s alignment */

    f = ngx_memalign(64, sizeof(ngx_paas_guard_forgetting_t), store->log);
    if (f == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(f, sizeof(ngx_paas_guard_forgetting_t));

    f->store = store;
    f->zone = zone;
    f->handler = handler;
    f->data = data;
    f->message.op = PGUARD_MESSAGE_FORGET;
    f->message.origin = pguard_load(&store->shared->origin);
    f->message.block.id = *id;

    (void) pguard_message_name(&f->message.zone,
                               ngx_paas_guard_store_str(&zone->name));

    rules = zone->mcf->rules.elts;

    for (i = 0; i < zone->mcf->rules.nelts; i++) {
        ngx_paas_guard_forget_rule(f, rules[i]);
    }

    ngx_paas_guard_forget_rule(f, NULL);

    f->message.rule.len = 0;
    f->message.service.len = 0;

    ngx_paas_guard_forget_keys(f);
    ngx_paas_guard_forget_fields(f, 1);

    *calls = f->calls;
    rc = f->failed ? NGX_DECLINED : NGX_OK;

    ngx_free(f);

    return rc;
}
