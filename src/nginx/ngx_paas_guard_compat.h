/*
 * Every difference between versions of what the guard is built with.
 */

#ifndef _NGX_PAAS_GUARD_COMPAT_H_INCLUDED_
#define _NGX_PAAS_GUARD_COMPAT_H_INCLUDED_


/*
 * hiredis before 1.0 hands the length of an array over as int, and has no
 * RESP3 types.  hiredis.h comes first where this matters.
 */

#ifdef HIREDIS_MAJOR

#if (HIREDIS_MAJOR >= 1)

typedef size_t  ngx_paas_guard_elements_t;

#define NGX_PAAS_GUARD_HAVE_RESP3  1

#else

typedef int  ngx_paas_guard_elements_t;

#define NGX_PAAS_GUARD_HAVE_RESP3  0

#endif

#endif


/* nginx */

#if (nginx_version >= 1023000)
#define ngx_paas_guard_table_elt_init(h)  (h)->next = NULL
#else
#define ngx_paas_guard_table_elt_init(h)
#endif

/* The first Cache-Control of an answer is *h, which lives as long as r; not if
   there is one. */

#if (nginx_version >= 1023000)

#define ngx_paas_guard_set_cache_control(r, h)                                \
    if ((r)->headers_out.cache_control == NULL) {                             \
        (r)->headers_out.cache_control = *(h);                                \
    }

#else

#define ngx_paas_guard_set_cache_control(r, h)                                \
    if ((r)->headers_out.cache_control.elts == NULL) {                        \
        (r)->headers_out.cache_control.elts = (h);                            \
        (r)->headers_out.cache_control.nelts = 1;                             \
        (r)->headers_out.cache_control.size = sizeof(ngx_table_elt_t *);      \
        (r)->headers_out.cache_control.nalloc = 1;                            \
        (r)->headers_out.cache_control.pool = (r)->pool;                      \
    }

#endif

#if (NGX_SSL || NGX_COMPAT)
#define ngx_paas_guard_is_tls(r)      ((r)->connection->ssl != NULL)
#else
#define ngx_paas_guard_is_tls(r)      0
#endif

#define ngx_paas_guard_is_connect(r)  ((r)->method == NGX_HTTP_CONNECT)

/* Does a request line of HTTP/1 name a server, too? */

#define ngx_paas_guard_has_server(r)                                          \
    ((r)->host_start && (r)->http_version < NGX_HTTP_VERSION_20)


#endif /* _NGX_PAAS_GUARD_COMPAT_H_INCLUDED_ */
