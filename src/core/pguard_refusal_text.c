/*
 * The texts of a refusal: see pguard_refusal_text.h.
 */

#include "pguard_refusal_text.h"


/* \u00a0: the space that does not break, which French wants before a colon. */

const char *const  pguard_refusal_texts[PGUARD_TEXTS][PGUARD_LANGS] = {

    [PGUARD_TEXT_TITLE + PGUARD_REASON_DUPLICATE] = {
        "Duplicate request",
        "Requête en double" },

    [PGUARD_TEXT_TITLE + PGUARD_REASON_HAMMERING] = {
        "Abnormal usage detected",
        "Usage anormal détecté" },

    [PGUARD_TEXT_TITLE + PGUARD_REASON_LOCKOUT] = {
        "Too many failed logins",
        "Trop d’échecs de connexion" },

    [PGUARD_TEXT_TITLE + PGUARD_REASON_OPERATOR] = {
        "Access blocked by the operator",
        "Accès bloqué par l’exploitant" },

    [PGUARD_TEXT_WHAT + PGUARD_REASON_DUPLICATE] = {
        "This request is identical to one that was accepted a moment ago, so "
        "it was not forwarded.",
        "Cette requête est identique à une requête acceptée il y a un "
        "instant\u00a0: elle n’a donc pas été transmise." },

    [PGUARD_TEXT_WHAT + PGUARD_REASON_HAMMERING] = {
        "Your requests showed abnormal usage, so a protection measure "
        "blocks your access for a limited time.",
        "Vos requêtes ont révélé un usage anormal\u00a0: une mesure de "
        "protection bloque votre accès pour une durée limitée." },

    [PGUARD_TEXT_WHAT + PGUARD_REASON_LOCKOUT] = {
        "After too many failed logins, the security policy blocks your access "
        "for a limited time.",
        "À la suite d’un trop grand nombre d’échecs de connexion, la politique "
        "de sécurité bloque votre accès pour une durée limitée." },

    [PGUARD_TEXT_WHAT + PGUARD_REASON_OPERATOR] = {
        "The operator has blocked your access for a limited time.",
        "L’exploitant a bloqué votre accès pour une durée limitée." },

    [PGUARD_TEXT_NO_OUTAGE] = {
        "This is not an outage of the service, and does not count as "
        "unavailability.",
        "Il ne s’agit pas d’une panne du service, et ce refus ne compte pas "
        "comme une indisponibilité." },

    [PGUARD_TEXT_RETRY] = {
        "You may try again in ",
        "Vous pourrez réessayer dans " },

    [PGUARD_TEXT_SUPPORT] = {
        "If you contact the support, please quote the event identifier.",
        "Si vous contactez le support, veuillez lui communiquer l’identifiant "
        "de l’événement." },

    [PGUARD_TEXT_EVENT]   = { "Event",   "Événement" },
    [PGUARD_TEXT_BLOCK]   = { "Block",   "Blocage" },
    [PGUARD_TEXT_REASON]  = { "Reason",  "Motif" },
    [PGUARD_TEXT_RULE]    = { "Rule",    "Règle" },
    [PGUARD_TEXT_SERVICE] = { "Service", "Service" }
};


/* Rounded up, like Retry-After; each starts where its plural is right. */

const pguard_span_t  pguard_refusal_spans[] = {
    { 7200, 3600, { pguard_string(" hours"), pguard_string("\u00a0heures") } },
    { 120, 60, { pguard_string(" minutes"), pguard_string("\u00a0minutes") } },
    { 2, 1, { pguard_string(" seconds"), pguard_string("\u00a0secondes") } },
    { 0, 1, { pguard_string(" second"), pguard_string("\u00a0seconde") } }
};
