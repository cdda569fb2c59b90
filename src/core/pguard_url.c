#include "pguard_str.h"
#include "pguard_url.h"


/* What may follow the hosts. */

typedef enum {
    PGUARD_URL_TAIL_DB = 0,
    PGUARD_URL_TAIL_MASTER,
    PGUARD_URL_TAIL_NONE
} pguard_url_tail_e;

typedef struct {
    unsigned  port;
    unsigned  hosts;                        /* how many there may be */
    unsigned  tail;                         /* pguard_url_tail_e */
} pguard_url_shape_t;


static const char *pguard_url_hosts(pguard_url_t *url, pguard_str_t s,
    const pguard_url_shape_t *shape);
static const char *pguard_url_host(pguard_url_host_t *h, pguard_str_t s);
static const char *pguard_url_host6(pguard_url_host_t *h, pguard_str_t *rest,
    pguard_str_t s);
static const char *pguard_url_tail(pguard_url_t *url, pguard_str_t s,
    const pguard_url_shape_t *shape);


const pguard_str_t  pguard_url_schemes[PGUARD_URL_KINDS] = {
    pguard_string("redis://"),
    pguard_string("rediss://"),
    pguard_string("redis+sentinel://"),
    pguard_string("redis+cluster://"),
    pguard_string("unix:")
};

static const pguard_url_shape_t  pguard_url_shapes[PGUARD_URL_KINDS] = {
    { PGUARD_URL_PORT, 1, PGUARD_URL_TAIL_DB },
    { PGUARD_URL_PORT, 1, PGUARD_URL_TAIL_DB },
    { PGUARD_URL_SENTINEL_PORT, PGUARD_URL_HOSTS_MAX, PGUARD_URL_TAIL_MASTER },
    { PGUARD_URL_PORT, PGUARD_URL_HOSTS_MAX, PGUARD_URL_TAIL_NONE },
    { 0, 0, PGUARD_URL_TAIL_NONE }
};


const char *
pguard_url_parse(pguard_url_t *url, pguard_str_t s)
{
    size_t                     len;
    unsigned                   i;
    pguard_str_t               rest, tail;
    const unsigned char       *slash;
    const char                *error;
    const pguard_url_shape_t  *shape;

    memset(url, 0, sizeof(pguard_url_t));

    for (i = 0; i < PGUARD_URL_KINDS; i++) {
        len = pguard_url_schemes[i].len;

        if (s.len >= len
            && memcmp(s.data, pguard_url_schemes[i].data, len) == 0)
        {
            break;
        }
    }

    if (i == PGUARD_URL_KINDS) {
        return "must begin with \"redis://\", \"rediss://\", "
               "\"redis+sentinel://\", \"redis+cluster://\" or \"unix:/\"";
    }

    url->kind = i;
    shape = &pguard_url_shapes[i];

    rest.len = s.len - len;
    rest.data = s.data + len;

    if (url->kind == PGUARD_URL_UNIX) {
        url->path = rest;

        return (rest.len > 1 && rest.data[0] == '/') ? NULL
               : "needs an absolute path, as in \"unix:/run/redis.sock\"";
    }

    slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;

    tail.data = slash ? slash + 1 : rest.data + rest.len;
    tail.len = rest.data + rest.len - tail.data;

    if (slash) {
        rest.len = slash - rest.data;
    }

    error = pguard_url_hosts(url, rest, shape);
    if (error) {
        return error;
    }

    return pguard_url_tail(url, tail, shape);
}


static const char *
pguard_url_hosts(pguard_url_t *url, pguard_str_t s,
    const pguard_url_shape_t *shape)
{
    pguard_str_t          one;
    pguard_url_host_t    *h;
    const char           *error;
    const unsigned char  *comma, *end;

    end = s.data + s.len;

    if (s.len && memchr(s.data, '@', s.len)) {
        return "must not hold a name or a password: "
               "use \"username=\" and \"password_file=\"";
    }

    for ( ;; ) {
        if (url->nhosts == shape->hosts) {
            return (shape->hosts == 1) ? "takes one host only"
                                       : "has too many hosts: 16 at most";
        }

        one = s;
        comma = s.len ? memchr(s.data, ',', s.len) : NULL;

        if (comma) {
            one.len = comma - s.data;
        }

        h = &url->host[url->nhosts];
        h->port = shape->port;

        error = pguard_url_host(h, one);
        if (error) {
            return error;
        }

        url->nhosts++;

        if (comma == NULL) {
            return NULL;
        }

        s.data = comma + 1;
        s.len = end - s.data;
    }
}


static const char *
pguard_url_host(pguard_url_host_t *h, pguard_str_t s)
{
    int                   port;
    pguard_str_t          rest;
    const char           *error;
    const unsigned char  *colon;

    if (s.len && s.data[0] == '[') {
        error = pguard_url_host6(h, &rest, s);
        if (error) {
            return error;
        }

    } else {
        colon = s.len ? memchr(s.data, ':', s.len) : NULL;

        h->name = s;

        if (colon) {
            h->name.len = colon - s.data;
        }

        if (h->name.len == 0 || !pguard_str_word(h->name, ".-_")) {
            return h->name.len ? "has a host with a wrong character"
                               : "has no host";
        }

        rest.data = s.data + h->name.len;
        rest.len = s.len - h->name.len;
    }

    if (rest.len == 0) {
        return NULL;
    }

    rest.data++;
    rest.len--;

    port = pguard_str_number(rest);

    if (port < 1) {
        return "has a wrong port: 1 to 65535 are right";
    }

    h->port = (unsigned) port;

    return NULL;
}


static const char *
pguard_url_host6(pguard_url_host_t *h, pguard_str_t *rest, pguard_str_t s)
{
    size_t                i;
    const unsigned char  *end;

    end = memchr(s.data, ']', s.len);

    if (end == NULL) {
        return "has a \"[\" without \"]\"";
    }

    h->literal6 = 1;
    h->name.data = s.data + 1;
    h->name.len = end - h->name.data;

    rest->data = end + 1;
    rest->len = s.data + s.len - rest->data;

    if (h->name.len == 0 || (rest->len && rest->data[0] != ':')) {
        return "has a wrong IPv6 address";
    }

    for (i = 0; i < h->name.len; i++) {
        if (memchr("0123456789abcdefABCDEF:.", h->name.data[i], 24) == NULL) {
            return "has a wrong IPv6 address";
        }
    }

    return NULL;
}


static const char *
pguard_url_tail(pguard_url_t *url, pguard_str_t s,
    const pguard_url_shape_t *shape)
{
    int  db;

    switch (shape->tail) {

    case PGUARD_URL_TAIL_DB:
        db = s.len ? pguard_str_number(s) : 0;

        if (db < 0) {
            return "has a wrong database after \"/\": "
                   "a number from 0 to 65535 is right";
        }

        url->db = (unsigned) db;
        return NULL;

    case PGUARD_URL_TAIL_MASTER:

        if (s.len == 0 || !pguard_str_word(s, ".-_")) {
            return "needs the name of the master after \"/\"";
        }

        url->master = s;
        return NULL;

    default:

        return s.len ? "takes nothing after the hosts" : NULL;
    }
}
