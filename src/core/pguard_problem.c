/*
 * What can be wrong with a call: see pguard_problem.h.
 */

#include "pguard_problem.h"

#include <string.h>


typedef struct {
    unsigned     status;
    const char  *code;
    const char  *detail[PGUARD_LANGS];      /* "%": the name */
} pguard_problem_t;


/* Phrases of RFC 9110: with "about:blank", the title is that of the status. */

static const struct {
    unsigned     status;
    const char  *title;
} pguard_problem_titles[] = {
    { 400, "Bad Request" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
    { 0, "Error" }
};


static const pguard_problem_t  pguard_problems[PGUARD_PROBLEMS] = {
    [PGUARD_PROBLEM_NONE] = { 200, "none", { "", "" } },

    [PGUARD_PROBLEM_NO_CALL] = { 404, "no_call", {
        "There is no such call.",
        "Cet appel n’existe pas." } },
    [PGUARD_PROBLEM_METHOD] = { 405, "method", {
        "This call has other methods: see Allow.",
        "Cet appel a d’autres méthodes\u00a0: voir Allow." } },
    [PGUARD_PROBLEM_READ_ONLY] = { 403, "read_only", {
        "Writing is not enabled here (paas_guard_status write=on).",
        "L’écriture n’est pas permise ici (paas_guard_status write=on)." } },
    [PGUARD_PROBLEM_CONTENT_TYPE] = { 415, "content_type", {
        "Writing takes Content-Type: application/json.",
        "Écrire demande Content-Type: application/json." } },
    [PGUARD_PROBLEM_CROSS_SITE] = { 403, "cross_site", {
        "A page of another site must not write here.",
        "Une page d’un autre site ne peut pas écrire ici." } },
    [PGUARD_PROBLEM_LENGTH] = { 411, "length", {
        "A body needs a Content-Length.",
        "Un corps demande un Content-Length." } },
    [PGUARD_PROBLEM_BODY_SIZE] = { 413, "body_size", {
        "The body is longer than 16 KB.",
        "Le corps dépasse 16 Ko." } },
    [PGUARD_PROBLEM_JSON_SYNTAX] = { 400, "json_syntax", {
        "The body is not JSON: %.",
        "Le corps n’est pas du JSON\u00a0: %." } },
    [PGUARD_PROBLEM_JSON_OBJECT] = { 400, "json_object", {
        "The body is not a JSON object.",
        "Le corps n’est pas un objet JSON." } },
    [PGUARD_PROBLEM_MEMBER_UNKNOWN] = { 400, "member_unknown", {
        "The call has no member \"%\".",
        "L’appel n’a pas de membre «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_MEMBER_TWICE] = { 400, "member_twice", {
        "The member \"%\" is there twice.",
        "Le membre «\u00a0%\u00a0» est donné deux fois." } },
    [PGUARD_PROBLEM_MEMBER_TYPE] = { 400, "member_type", {
        "The member \"%\" has not the type that it should have.",
        "Le membre «\u00a0%\u00a0» n’a pas le type voulu." } },
    [PGUARD_PROBLEM_MEMBER_LONG] = { 400, "member_long", {
        "The member \"%\" is too long.",
        "Le membre «\u00a0%\u00a0» est trop long." } },
    [PGUARD_PROBLEM_MEMBER_MISSING] = { 400, "member_missing", {
        "The member \"%\" is missing.",
        "Le membre «\u00a0%\u00a0» manque." } },
    [PGUARD_PROBLEM_MEMBER_VALUE] = { 400, "member_value", {
        "The value of \"%\" is not one that is possible.",
        "La valeur de «\u00a0%\u00a0» n’est pas possible." } },
    [PGUARD_PROBLEM_ARGUMENT_UNKNOWN] = { 400, "argument_unknown", {
        "The call has no argument \"%\".",
        "L’appel n’a pas de paramètre «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_ARGUMENT_TWICE] = { 400, "argument_twice", {
        "The argument \"%\" is there twice.",
        "Le paramètre «\u00a0%\u00a0» est donné deux fois." } },
    [PGUARD_PROBLEM_ARGUMENT_VALUE] = { 400, "argument_value", {
        "The value of the argument \"%\" is not one that is possible.",
        "La valeur du paramètre «\u00a0%\u00a0» n’est pas possible." } },
    [PGUARD_PROBLEM_ZONE] = { 404, "unknown_zone", {
        "There is no zone \"%\".",
        "Il n’y a pas de zone «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_BLOCK] = { 404, "unknown_block", {
        "There is no active block \"%\".",
        "Il n’y a pas de blocage actif «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_BLOCKED] = { 409, "already_blocked", {
        "It is blocked already, by the block \"%\".",
        "Il est déjà bloqué, par le blocage «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_MEMBER_ZONE] = { 400, "unknown_zone", {
        "There is no zone \"%\".",
        "Il n’y a pas de zone «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_RULE] = { 400, "unknown_rule", {
        "There is no rule \"%\".",
        "Il n’y a pas de règle «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_SERVICE] = { 400, "unknown_service", {
        "There is no service \"%\" in this zone.",
        "Il n’y a pas de service «\u00a0%\u00a0» dans cette zone." } },
    [PGUARD_PROBLEM_FULL] = { 503, "zone_full", {
        "There is no place for this block in the zone \"%\".",
        "Il n’y a pas de place pour ce blocage dans la zone «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_INDICATOR] = { 404, "unknown_indicator", {
        "No location counts for an indicator \"%\".",
        "Aucun emplacement ne compte pour un indicateur «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_MONTH_FUTURE] = { 404, "month_future", {
        "The month \"%\" has not begun.",
        "Le mois «\u00a0%\u00a0» n’a pas commencé." } },
    [PGUARD_PROBLEM_MONTH_KEPT] = { 404, "month_not_kept", {
        "The month \"%\" is not kept any more.",
        "Le mois «\u00a0%\u00a0» n’est plus conservé." } },
    [PGUARD_PROBLEM_UNCONDITIONAL] = { 400, "not_conditional", {
        "The indicator \"%\" is not conditional: it always applies.",
        "L’indicateur «\u00a0%\u00a0» n’est pas conditionnel\u00a0: il "
        "s’applique toujours." } },
    [PGUARD_PROBLEM_OUTAGE_ELSEWHERE] = { 503, "outage_elsewhere", {
        "The outage \"%\" is not of this gateway, and the records of the "
        "others cannot be read now.",
        "La panne «\u00a0%\u00a0» n’est pas de cette passerelle, et les "
        "relevés des autres ne peuvent pas être lus maintenant." } },
    [PGUARD_PROBLEM_OUTAGE_UNKNOWN] = { 404, "unknown_outage", {
        "There is no outage \"%\" of this indicator.",
        "Il n’y a pas de panne «\u00a0%\u00a0» de cet indicateur." } },
    [PGUARD_PROBLEM_OUTAGE_WITHDRAWN] = { 409, "outage_withdrawn", {
        "This outage has been withdrawn; declare it anew.",
        "Cette panne a été retirée\u00a0; déclarez-la de nouveau." } },
    [PGUARD_PROBLEM_OUTAGE_RESTORED] = { 409, "outage_restored", {
        "This outage is restored already; correct it instead.",
        "Le service est déjà rétabli\u00a0; corrigez plutôt la panne." } },
    [PGUARD_PROBLEM_OUTAGE_NO_END] = { 400, "outage_no_end", {
        "A restoration needs its time.",
        "Un rétablissement demande son heure." } },
    [PGUARD_PROBLEM_OUTAGE_WHO] = { 400, "outage_who", {
        "Who enters this must be named, in at most 64 bytes.",
        "L’auteur de cette saisie doit être nommé, en 64 octets au plus." } },
    [PGUARD_PROBLEM_OUTAGE_CONFIRMER] = { 400, "outage_confirmer", {
        "Who confirmed it must be named in at most 64 bytes.",
        "L’auteur de la confirmation doit être nommé en 64 octets au plus." } },
    [PGUARD_PROBLEM_OUTAGE_CAUSE] = { 400, "outage_cause", {
        "The cause must be told in at most 200 bytes.",
        "La cause doit tenir en 200 octets." } },
    [PGUARD_PROBLEM_OUTAGE_NO_START] = { 400, "outage_no_start", {
        "An outage needs the time of its detection or notification.",
        "Une panne demande l’heure de sa détection ou de sa "
        "notification." } },
    [PGUARD_PROBLEM_OUTAGE_FUTURE] = { 400, "outage_future", {
        "A time of an outage is in the future.",
        "Une heure de la panne est dans le futur." } },
    [PGUARD_PROBLEM_OUTAGE_ORDER] = { 400, "outage_order", {
        "An outage cannot end before it starts.",
        "Une panne ne peut pas finir avant son début." } },
    [PGUARD_PROBLEM_OUTAGE_CONFIRMED] = { 400, "outage_confirmed", {
        "A restoration has its time, and is confirmed by \"monitoring\" or "
        "by \"user\".",
        "Un rétablissement a son heure, et est confirmé par "
        "«\u00a0monitoring\u00a0» ou par «\u00a0user\u00a0»." } },
    [PGUARD_PROBLEM_OUTAGE_FULL] = { 409, "outage_full", {
        "The log of outages is full.",
        "Le journal des pannes est plein." } },
    [PGUARD_PROBLEM_CLIENT] = { 404, "unknown_client", {
        "Nothing is known of the client \"%\".",
        "On ne sait rien du client «\u00a0%\u00a0»." } },
    [PGUARD_PROBLEM_MEMORY] = { 503, "memory", {
        "There was no memory for this.",
        "La mémoire a manqué." } }
};


pguard_problem_e
pguard_problem_find(const char *code)
{
    unsigned  i;

    for (i = 0; i < PGUARD_PROBLEMS; i++) {
        if (strcmp(pguard_problems[i].code, code) == 0) {
            return (pguard_problem_e) i;
        }
    }

    return PGUARD_PROBLEM_MEMORY;
}


unsigned
pguard_problem_status(pguard_problem_e problem)
{
    return pguard_problems[problem].status;
}


static const char *
pguard_problem_title(unsigned status)
{
    unsigned  i;

    for (i = 0; pguard_problem_titles[i].status; i++) {
        if (pguard_problem_titles[i].status == status) {
            break;
        }
    }

    return pguard_problem_titles[i].title;
}


static void
pguard_problem_detail(pguard_out_t *out, const char *text, pguard_str_t name)
{
    pguard_str_t  part;

    /* not cut within a character: what is left of one would be replaced */

    if (name.len > PGUARD_PROBLEM_NAME_MAX) {
        name.len = PGUARD_PROBLEM_NAME_MAX;

        while (name.len && (name.data[name.len] & 0xc0) == 0x80) {
            name.len--;
        }
    }

    part.data = (const unsigned char *) text;
    part.len = strcspn(text, "%");
    pguard_out_json(out, part);

    if (text[part.len] == '%') {
        pguard_out_json(out, name);

        part.data += part.len + 1;
        part.len = strlen((const char *) part.data);
        pguard_out_json(out, part);
    }
}


void
pguard_problem_out(pguard_out_t *out, pguard_problem_e problem,
    pguard_str_t name, pguard_lang_e lang)
{
    const pguard_problem_t  *p;

    p = &pguard_problems[problem];

    pguard_out_text(out, "{\"type\":\"about:blank\",\"title\":\"");
    pguard_out_text(out, pguard_problem_title(p->status));
    pguard_out_text(out, "\",\"status\":");
    pguard_out_uint(out, p->status);
    pguard_out_text(out, ",\"detail\":\"");
    pguard_problem_detail(out, p->detail[lang], name);
    pguard_out_text(out, "\",\"code\":\"");
    pguard_out_text(out, p->code);
    pguard_out_text(out, "\"}\n");
}
