/*
 * What directives have in common.
 */

#include "ngx_paas_guard.h"
#include "../core/pguard_str.h"


ngx_uint_t
ngx_paas_guard_same(const ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_strncmp(s->data, text, s->len) == 0;
}


ngx_uint_t
ngx_paas_guard_equal(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


/* A name goes into headers, metrics, keys of Redis: plain letters will do. */

ngx_int_t
ngx_paas_guard_check_name(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *name)
{
    pguard_str_t  s;

    ngx_paas_guard_core_str(s, *name);

    if (s.len && s.len <= PGUARD_NAME_MAX && pguard_str_word(s, "-_./")) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": name \"%V\" must be 1 to %d letters, digits, "
                       "\"-\", \"_\", \".\" or \"/\"",
                       &cmd->name, name, PGUARD_NAME_MAX);

    return NGX_ERROR;
}


char *
ngx_paas_guard_invalid(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *value,
    const char *right)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid parameter \"%V\": expected %s",
                       &cmd->name, value, right);

    return NGX_CONF_ERROR;
}


char *
ngx_paas_guard_twice(ngx_conf_t *cf, ngx_command_t *cmd, const char *name)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": parameter \"%s\" is given twice",
                       &cmd->name, name);

    return NGX_CONF_ERROR;
}


/* If arg is name=value, the value. */

ngx_int_t
ngx_paas_guard_parameter(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len <= len || arg->data[len] != '='
        || ngx_strncmp(arg->data, name, len) != 0)
    {
        return NGX_DECLINED;
    }

    value->data = arg->data + len + 1;
    value->len = arg->len - len - 1;

    return NGX_OK;
}


static char *
ngx_paas_guard_unknown(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *arg,
    const ngx_paas_guard_parameter_t *table)
{
    u_char  right[256], *p, *last;

    p = right;
    last = right + sizeof(right) - 1;

    for ( /* void */ ; table->name; table++) {
        p = ngx_snprintf(p, last - p, "%s%s%s",
                         p == right ? "" : table[1].name ? ", " : " or ",
                         table->name, table->right ? "=" : "");
    }

    *p = '\0';

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": unknown parameter \"%V\": expected %s",
                       &cmd->name, arg, right);

    return NGX_CONF_ERROR;
}


static char *
ngx_paas_guard_set_parameter(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *arg, const ngx_paas_guard_parameter_t *table, void *to,
    ngx_uint_t *seen)
{
    ngx_str_t                          value;
    const ngx_paas_guard_parameter_t  *p;

    for (p = table; p->name; p++) {

        ngx_str_null(&value);

        if (p->right ? ngx_paas_guard_parameter(arg, p->name, &value) != NGX_OK
                     : !ngx_paas_guard_same(arg, p->name))
        {
            continue;
        }

        if (*seen & ((ngx_uint_t) 1 << (p - table))) {
            return ngx_paas_guard_twice(cf, cmd, p->name);
        }

        *seen |= (ngx_uint_t) 1 << (p - table);

        return p->set(cf, to, &value) == NGX_CONF_OK
               ? NGX_CONF_OK
               : ngx_paas_guard_invalid(cf, cmd, arg, p->right);
    }

    return ngx_paas_guard_unknown(cf, cmd, arg, table);
}


char *
ngx_paas_guard_parameters(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_uint_t first, const ngx_paas_guard_parameter_t *table, void *to)
{
    ngx_str_t   *args;
    ngx_uint_t   i, seen;

    args = cf->args->elts;
    seen = 0;

    for (i = first; i < cf->args->nelts; i++) {
        if (ngx_paas_guard_set_parameter(cf, cmd, &args[i], table, to, &seen)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_paas_guard_is_off(ngx_str_t *arg)
{
    return ngx_paas_guard_same(arg, "off");
}


/* At cmd->offset: never a 5xx, which every SLA tool takes for an outage. */

char *
ngx_paas_guard_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char  *p = conf;

    ngx_int_t    status;
    ngx_str_t   *args;
    ngx_uint_t  *field;

    field = (ngx_uint_t *) (p + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;
    status = ngx_atoi(args[1].data, args[1].len);

    if (status == NGX_ERROR || status < 400 || status > 499) {
        return ngx_paas_guard_invalid(cf, cmd, &args[1],
                                      "a status from 400 to 499: no refusal "
                                      "may look like an outage");
    }

    *field = status;

    return NGX_CONF_OK;
}


/* As ngx_conf_set_enum_slot(), with a sentence that tells what would be right:
   cmd->post is the list, whose words the sentence has, too. */

char *
ngx_paas_guard_enum_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *base = conf;

    u_char           right[128], *p;
    ngx_str_t       *args;
    ngx_uint_t      *field;
    ngx_conf_enum_t *e;

    field = (ngx_uint_t *) (base + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;
    p = right;

    for (e = cmd->post; e->name.len; e++) {

        if (e->name.len == args[1].len
            && ngx_strcasecmp(e->name.data, args[1].data) == 0)
        {
            *field = e->value;
            return NGX_CONF_OK;
        }

        p = ngx_snprintf(p, right + sizeof(right) - 1 - p, "%s%V",
                         p == right ? "" : (e + 1)->name.len ? ", " : " or ",
                         &e->name);
    }

    *p = '\0';

    return ngx_paas_guard_invalid(cf, cmd, &args[1], (char *) right);
}


/* A location has one content handler, which is the last that was set.  Whoever
   is left out would not know. */

char *
ngx_paas_guard_set_content(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_paas_guard_loc_conf_t *glcf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (glcf->content == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": location \"%V\" has another content "
                           "handler already", &cmd->name, &clcf->name);
        return NGX_CONF_ERROR;
    }

    clcf->handler = handler;
    glcf->content = handler;
    glcf->content_name = cmd->name;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_paas_guard_content_merge(ngx_conf_t *cf, ngx_paas_guard_loc_conf_t *prev,
    ngx_paas_guard_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && clcf->handler == NULL) {
        clcf->handler = prev->content;
        conf->content = prev->content;
        conf->content_name = prev->content_name;
        conf->status = prev->status;
    }

    if (conf->content && clcf->handler != conf->content) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\": location \"%V\" has another content "
                           "handler, which comes later", &conf->content_name,
                           &clcf->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_paas_guard_add_handler(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}
