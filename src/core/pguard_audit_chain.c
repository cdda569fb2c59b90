/*
 * The chain of the audit log: see pguard_audit_chain.h.
 */

#include "pguard_audit_chain.h"
#include "pguard_str.h"


static int pguard_audit_put(pguard_audit_chain_t *chain,
    const pguard_key_t *key, const pguard_audit_record_t *rec,
    pguard_msec_t now, pguard_audit_write_pt write, void *data);
static int pguard_audit_redo(pguard_audit_chain_t *chain,
    pguard_audit_write_pt write, void *data);
static int pguard_audit_tell(pguard_audit_chain_t *chain,
    const pguard_key_t *key, pguard_msec_t now, pguard_audit_write_pt write,
    void *data);
static void pguard_audit_commit(pguard_audit_chain_t *chain);
static int pguard_audit_last_sealed(pguard_str_t tail,
    const pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_audit_line_t *line, uint64_t *torn);
static int pguard_audit_holds(pguard_str_t tail,
    const pguard_audit_chain_t *chain);
static int pguard_audit_is_at(const pguard_audit_line_t *line, uint64_t seq,
    const unsigned char *mac);
static pguard_str_t pguard_audit_last_line(pguard_str_t tail);
static int pguard_audit_is_ours(pguard_str_t s,
    const pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_audit_line_t *line);


/* What is stored before stays before, for a process that ends in between. */

static void
pguard_audit_pending(pguard_audit_chain_t *chain, size_t len)
{
    __atomic_store_n(&chain->pending, len, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}


void
pguard_audit_begin(pguard_audit_chain_t *chain, pguard_str_t gateway)
{
    memset(chain, 0, sizeof(pguard_audit_chain_t));

    if (gateway.len > PGUARD_NAME_MAX) {
        gateway.len = PGUARD_NAME_MAX;
    }

    if (gateway.len) {
        memcpy(chain->gateway, gateway.data, gateway.len);
    }

    chain->gateway_len = gateway.len;
}


int
pguard_audit_resume(pguard_audit_chain_t *chain, pguard_str_t gateway,
    const pguard_key_t *key, pguard_str_t tail)
{
    pguard_audit_line_t  line;

    pguard_audit_begin(chain, gateway);

    if (pguard_audit_last_sealed(tail, chain, key, &line, &chain->torn) != 0) {
        return -1;
    }

    chain->seq = line.frame.seq;
    memcpy(chain->mac, line.frame.mac, PGUARD_MAC_LEN);
    chain->resumed = 1;

    return 0;
}


/* From the end, up to the first that is whole and sealed; with the bytes that
   are after it.  0, or -1 if there is none. */

static int
pguard_audit_last_sealed(pguard_str_t tail, const pguard_audit_chain_t *chain,
    const pguard_key_t *key, pguard_audit_line_t *line, uint64_t *torn)
{
    pguard_str_t  s, rest;

    for (rest = tail; rest.len; rest.len = (size_t) (s.data - rest.data)) {
        s = pguard_audit_last_line(rest);

        if (s.data == NULL) {
            return -1;
        }

        if (pguard_audit_is_ours(s, chain, key, line)) {
            *torn = (uint64_t) (tail.data + tail.len - (s.data + s.len + 1));
            return 0;
        }
    }

    return -1;
}


/* A process that ends within it leaves a state that does not fit the log: the
   next one follows again. */

int
pguard_audit_follow(pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_str_t tail)
{
    uint64_t             torn;
    pguard_audit_line_t  line;

    if (pguard_audit_last_sealed(tail, chain, key, &line, &torn) != 0
        || (chain->pending
            && pguard_audit_is_at(&line, chain->next_seq, chain->next_mac)))
    {
        return 0;
    }

    if (pguard_audit_is_at(&line, chain->seq, chain->mac)) {

        if (chain->pending == 0) {
            chain->torn = torn;         /* others' */
        }

        return 0;
    }

    if (chain->pending) {
        chain->lost += !pguard_audit_holds(tail, chain);
        pguard_audit_pending(chain, 0);
    }

    chain->repeats = 0;
    chain->torn = torn;
    chain->seq = line.frame.seq;
    memcpy(chain->mac, line.frame.mac, PGUARD_MAC_LEN);

    return 1;
}


/* Is the pending line one of those of tail? */

static int
pguard_audit_holds(pguard_str_t tail, const pguard_audit_chain_t *chain)
{
    pguard_str_t  s, rest;

    for (rest = tail; rest.len; rest.len = (size_t) (s.data - rest.data)) {
        s = pguard_audit_last_line(rest);

        if (s.data == NULL) {
            return 0;
        }

        if (s.len == chain->pending
            && memcmp(s.data, chain->line + 1, s.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
pguard_audit_is_at(const pguard_audit_line_t *line, uint64_t seq,
    const unsigned char *mac)
{
    return line->frame.seq == seq
           && memcmp(line->frame.mac, mac, PGUARD_MAC_LEN) == 0;
}


/* The last line that ends with a line feed, without it; data is NULL if there
   is none. */

static pguard_str_t
pguard_audit_last_line(pguard_str_t tail)
{
    size_t        end;
    pguard_str_t  s;

    s.len = 0;
    s.data = NULL;

    for (end = tail.len; end && tail.data[end - 1] != '\n'; end--) {
        /* void */
    }

    if (end == 0) {
        return s;
    }

    end--;

    for (s.len = end; s.len && tail.data[s.len - 1] != '\n'; s.len--) {
        /* void */
    }

    s.data = tail.data + s.len;
    s.len = end - s.len;

    return s;
}


static int
pguard_audit_is_ours(pguard_str_t s, const pguard_audit_chain_t *chain,
    const pguard_key_t *key, pguard_audit_line_t *line)
{
    pguard_str_t    name;
    pguard_out_t    out;
    unsigned char   buf[PGUARD_NAME_MAX * 6];

    if (pguard_audit_parse(s, line) != 0
        || pguard_audit_sealed(line, key) != 1)
    {
        return 0;
    }

    name.len = chain->gateway_len;
    name.data = chain->gateway;

    pguard_out_init(&out, buf, sizeof(buf));
    pguard_out_json(&out, name);

    name.len = out.need;
    name.data = buf;

    return pguard_str_same(name, line->frame.gateway);
}


int
pguard_audit_append(pguard_audit_chain_t *chain, const pguard_key_t *key,
    const pguard_audit_record_t *rec, pguard_msec_t now,
    pguard_audit_write_pt write, void *data)
{
    if (pguard_audit_flush(chain, key, now, write, data) != 0) {
        chain->lost++;
        return -1;
    }

    return pguard_audit_put(chain, key, rec, now, write, data);
}


int
pguard_audit_flush(pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_msec_t now, pguard_audit_write_pt write, void *data)
{
    if (chain->pending && pguard_audit_redo(chain, write, data) != 0) {
        return -1;
    }

    if (chain->resumed || chain->repeats || chain->torn
        || chain->lost != chain->lost_told)
    {
        return pguard_audit_tell(chain, key, now, write, data);
    }

    return 0;
}


static int
pguard_audit_redo(pguard_audit_chain_t *chain, pguard_audit_write_pt write,
    void *data)
{
    chain->repeats = chain->next_seq;

    if (write(data, chain->line, chain->pending + 2) != 0) {
        return -1;
    }

    pguard_audit_commit(chain);

    return 0;
}


static int
pguard_audit_tell(pguard_audit_chain_t *chain, const pguard_key_t *key,
    pguard_msec_t now, pguard_audit_write_pt write, void *data)
{
    pguard_audit_record_t  rec;

    memset(&rec, 0, sizeof(rec));

    rec.type = PGUARD_AUDIT_CHAIN_RESUMED;
    rec.num[PGUARD_AUDIT_REPEATS] = chain->repeats;
    rec.num[PGUARD_AUDIT_TORN] = chain->torn;
    rec.num[PGUARD_AUDIT_LOST] = chain->lost - chain->lost_told;

    return pguard_audit_put(chain, key, &rec, now, write, data);
}


static int
pguard_audit_put(pguard_audit_chain_t *chain, const pguard_key_t *key,
    const pguard_audit_record_t *rec, pguard_msec_t now,
    pguard_audit_write_pt write, void *data)
{
    size_t                torn;
    pguard_out_t          out;
    pguard_str_t          sealed;
    pguard_audit_frame_t  frame;

    frame.time = now;
    frame.seq = chain->seq + 1;
    frame.gateway.len = chain->gateway_len;
    frame.gateway.data = chain->gateway;
    memcpy(frame.prev, chain->mac, PGUARD_AUDIT_PREV_LEN);

    pguard_out_init(&out, chain->line + 1, PGUARD_AUDIT_LINE_MAX);
    pguard_audit_render(&out, rec, &frame);

    sealed.len = out.need;
    sealed.data = chain->line + 1;

    if (pguard_key_mac(key, sealed, chain->next_mac) != 0) {
        chain->lost++;
        return -1;
    }

    pguard_audit_seal(&out, chain->next_mac);

    chain->line[0] = '\n';
    chain->line[out.need + 1] = '\n';
    chain->next_seq = frame.seq;
    chain->next_tells = rec->type == PGUARD_AUDIT_CHAIN_RESUMED;
    chain->next_told = chain->next_tells ? chain->lost : chain->lost_told;

    pguard_audit_pending(chain, out.need);

    /* a torn line has no end of its own */

    torn = chain->torn != 0;

    if (write(data, chain->line + 1 - torn, out.need + 1 + torn) != 0) {
        return -1;
    }

    pguard_audit_commit(chain);

    return 0;
}


/* Repeated from its beginning if a worker dies within it: each value is set,
   none is counted up. */

static void
pguard_audit_commit(pguard_audit_chain_t *chain)
{
    chain->seq = chain->next_seq;
    memcpy(chain->mac, chain->next_mac, PGUARD_MAC_LEN);
    chain->lost_told = chain->next_told;

    if (chain->next_tells) {
        chain->torn = 0;
        chain->resumed = 0;

        if (chain->repeats != chain->next_seq) {
            chain->repeats = 0;
        }
    }

    pguard_audit_pending(chain, 0);
}
