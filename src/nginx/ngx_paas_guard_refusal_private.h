/*
 * What the files of a refusal share:
 *
 *   ngx_paas_guard_refusal.c  puts it together, and sends it
 *   ngx_paas_guard_write.c    its headers, as nginx writes them
 */

#ifndef _NGX_PAAS_GUARD_REFUSAL_PRIVATE_H_INCLUDED_
#define _NGX_PAAS_GUARD_REFUSAL_PRIVATE_H_INCLUDED_


#include "ngx_paas_guard.h"
#include "../core/pguard_refusal.h"


/* All of a refusal that does not depend on its event, its block and the time:
   prepared when it is first needed, and kept until another needs the place. */

struct ngx_paas_guard_answer_s {
    ngx_paas_guard_service_t  *service;
    const u_char              *rule;            /* its name in the zone */
    ngx_uint_t                 kind;
    ngx_table_elt_t            headers[PGUARD_HEADS];
    pguard_refusal_form_t      form;
    u_char                     text[PGUARD_REFUSAL_FORM
                                    + 2 * NGX_MAXHOSTNAMELEN];
};


#endif /* _NGX_PAAS_GUARD_REFUSAL_PRIVATE_H_INCLUDED_ */
