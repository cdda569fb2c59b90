/*
 * Every human text of the status page: see pguard_status_text.h.  \u00a0: the
 * space that does not break, which French wants before a colon.
 */

#include "pguard_status_text.h"


const char *const  pguard_status_texts[PGUARD_STATUS_TEXTS][PGUARD_LANGS] = {

    [PGUARD_STATUS_TITLE] = { "Request guard", "Garde des requêtes" },

    [PGUARD_STATUS_AT] = { "as of", "état au" },

    [PGUARD_STATUS_SKIP] = { "To the content", "Aller au contenu" },

    [PGUARD_STATUS_LANGUAGE] = { "Language", "Langue" },

    [PGUARD_STATUS_ZONE] = { "Zone", "Zone" },

    [PGUARD_STATUS_ALL_ZONES] = { "All zones", "Toutes les zones" },

    [PGUARD_STATUS_PAUSE] = { "Pause", "Suspendre" },

    [PGUARD_STATUS_PAUSED] = {
        "Refreshing is paused.",
        "L’actualisation est suspendue." },

    [PGUARD_STATUS_LIVE] = {
        "Refreshed every 5 seconds.",
        "Actualisée toutes les 5 secondes." },

    [PGUARD_STATUS_STALE] = {
        "Could not be refreshed:",
        "Actualisation impossible\u00a0:" },

    [PGUARD_STATUS_AS_OF] = { "Figures as of", "Chiffres au" },

    [PGUARD_STATUS_NO_SCRIPT] = {
        "Without JavaScript this page is not refreshed by itself: load "
        "it again.",
        "Sans JavaScript, cette page ne s’actualise pas "
        "d’elle-même\u00a0: rechargez-la." },

    [PGUARD_STATUS_SUMMARY] = { "At a glance", "En bref" },

    [PGUARD_STATUS_REFUSED] = {
        "Refused in the last minute",
        "Refusées dans la dernière minute" },

    [PGUARD_STATUS_OF_REQUESTS] = { "of the requests", "des requêtes" },

    [PGUARD_STATUS_NO_REQUESTS] = { "no requests", "aucune requête" },

    [PGUARD_STATUS_BLOCKS] = { "Active blocks", "Blocages actifs" },

    [PGUARD_STATUS_NEWEST] = { "the newest set", "le plus récent posé" },

    [PGUARD_STATUS_BEFORE_AGO] = { "", "il\u00a0y\u00a0a\u00a0" },

    [PGUARD_STATUS_AGO] = { "\u00a0ago", "" },

    [PGUARD_STATUS_NOBODY] = { "nobody is blocked", "personne n’est bloqué" },

    [PGUARD_STATUS_FILL] = { "Memory of the guard", "Mémoire de la garde" },

    [PGUARD_STATUS_EVICTING] = {
        "entries still in use had to go since the start:",
        "entrées encore utiles évincées depuis le démarrage\u00a0:" },

    [PGUARD_STATUS_NO_EVICTIONS] = {
        "nothing was evicted",
        "rien n’a été évincé" },

    [PGUARD_STATUS_STORE] = { "Redis", "Redis" },

    [PGUARD_STATUS_STORE_NONE_TEXT] = { "not configured", "non configuré" },

    [PGUARD_STATUS_STORE_UP_TEXT] = { "answers", "répond" },

    [PGUARD_STATUS_STORE_AWAY_TEXT] = {
        "away: this gateway decides alone",
        "absent\u00a0: cette passerelle décide seule" },

    [PGUARD_STATUS_STORE_ALONE] = {
        "this gateway counts for itself",
        "cette passerelle compte pour elle-même" },

    [PGUARD_STATUS_BUDGET] = {
        "Error budget left",
        "Budget d’erreur restant" },

    [PGUARD_STATUS_OUTAGE] = {
        "outage not restored",
        "panne non rétablie" },

    [PGUARD_STATUS_OK] = { "fine", "normal" },

    [PGUARD_STATUS_LOOK] = { "look at this", "à examiner" },

    [PGUARD_STATUS_REQUESTS] = { "Requests", "Requêtes" },

    [PGUARD_STATUS_MINUTE] = { "Last minute", "Dernière minute" },

    [PGUARD_STATUS_HOUR] = { "Last hour", "Dernière heure" },

    [PGUARD_STATUS_DAY] = { "Last day", "Dernières 24 heures" },

    [PGUARD_STATUS_PER_SECOND] = {
        "at most in a second:",
        "au plus en une seconde\u00a0:" },

    [PGUARD_STATUS_PER_MINUTE] = {
        "at most in a minute:",
        "au plus en une minute\u00a0:" },

    [PGUARD_STATUS_PER_QUARTER] = {
        "at most in a quarter of an hour:",
        "au plus en un quart d’heure\u00a0:" },

    [PGUARD_STATUS_MINUTE_AGO] = { "1 min ago", "il y a 1\u00a0min" },

    [PGUARD_STATUS_HOUR_AGO] = { "1 h ago", "il y a 1\u00a0h" },

    [PGUARD_STATUS_DAY_AGO] = { "24 h ago", "il y a 24\u00a0h" },

    [PGUARD_STATUS_NOW] = { "now", "maintenant" },

    [PGUARD_STATUS_CHART_REQUEST] = { "request", "requête" },

    [PGUARD_STATUS_CHART_REQUESTS] = { "requests", "requêtes" },

    [PGUARD_STATUS_CHART_REFUSED] = { "refused", "refusée" },

    [PGUARD_STATUS_CHART_REFUSED_MANY] = { "refused", "refusées" },

    [PGUARD_STATUS_VERDICT] = { "Verdict", "Verdict" },

    [PGUARD_STATUS_TOTAL] = { "All", "Toutes" },

    [PGUARD_STATUS_PASSED] = { "Passed", "Admises" },

    [PGUARD_STATUS_THROTTLED] = {
        "Refused as duplicates",
        "Refusées comme doublons" },

    [PGUARD_STATUS_BLOCKED] = {
        "Refused: client blocked",
        "Refusées\u00a0: client bloqué" },

    [PGUARD_STATUS_EXEMPT] = { "Exempt", "Exemptées" },

    [PGUARD_STATUS_THROTTLED_DRY] = {
        "Duplicates, let through (dry run)",
        "Doublons admis (à blanc)" },

    [PGUARD_STATUS_BLOCKED_DRY] = {
        "To be blocked, let through (dry run)",
        "À bloquer, admises (à blanc)" },

    [PGUARD_STATUS_REQUESTS_NOTE] = {
        "In each bar from below: passed, exempt, dry run, refused as "
        "duplicates, refused as blocked. The table has the same "
        "figures.",
        "Dans chaque barre, de bas en haut\u00a0: admises, exemptées, "
        "à blanc, refusées comme doublons, refusées car bloquées. Le "
        "tableau donne les mêmes chiffres." },

    [PGUARD_STATUS_TOP] = {
        "Clients refused most",
        "Clients les plus refusés" },

    [PGUARD_STATUS_TOP_NOTE] = {
        "Refusals of this half hour and the one before. Clients are "
        "told by their digests, as in the logs. A figure is never too "
        "high; what is not sure to be a client’s is counted under "
        "others.",
        "Refus de cette demi-heure et de la précédente. Les clients "
        "sont désignés par leur empreinte, comme dans les journaux. Un "
        "chiffre n’est jamais trop élevé\u00a0; ce qui n’est pas "
        "sûrement d’un client est compté parmi les autres." },

    [PGUARD_STATUS_TOP_NONE] = {
        "Nobody was refused in this half hour and the one before.",
        "Aucun refus dans cette demi-heure ni la précédente." },

    [PGUARD_STATUS_CLIENT] = { "Client", "Client" },

    [PGUARD_STATUS_REFUSALS] = { "Refusals", "Refus" },

    [PGUARD_STATUS_LATEST] = { "Latest", "Dernier" },

    [PGUARD_STATUS_REASON] = { "Reason", "Motif" },

    [PGUARD_STATUS_WHERE] = { "Service, rule", "Service, règle" },

    [PGUARD_STATUS_OTHERS] = { "Others", "Autres" },

    [PGUARD_STATUS_BLOCKS_NOTE] = {
        "Who is blocked, since when, on what evidence, and for how "
        "long. The newest first.",
        "Qui est bloqué, depuis quand, sur quels faits et pour combien "
        "de temps. Les plus récents d’abord." },

    [PGUARD_STATUS_BLOCKS_NONE] = {
        "Nobody is blocked.",
        "Personne n’est bloqué." },

    [PGUARD_STATUS_KEY] = { "Key", "Clé" },

    [PGUARD_STATUS_EVIDENCE] = { "Evidence", "Faits" },

    [PGUARD_STATUS_REQUESTS_IN] = { "requests in", "requêtes en" },

    [PGUARD_STATUS_LIMIT] = { "limit", "limite" },

    [PGUARD_STATUS_OFFENCE] = { "offence", "infraction" },

    [PGUARD_STATUS_DRY_RUN] = { "dry run", "à blanc" },

    [PGUARD_STATUS_BY_HAND] = {
        "set by an operator",
        "posé par un exploitant" },

    [PGUARD_STATUS_SET] = { "Set", "Posé" },

    [PGUARD_STATUS_LEFT] = { "Time left", "Temps restant" },

    [PGUARD_STATUS_ALL_SERVICES] = { "all services", "tous les services" },

    [PGUARD_STATUS_MORE] = { "Not shown:", "Hors liste\u00a0:" },

    [PGUARD_STATUS_RULES] = {
        "Rules, and how near clients come",
        "Règles, et jusqu’où vont les clients" },

    [PGUARD_STATUS_RULES_NOTE] = {
        "The most of the limit that any one client had used. Over "
        "100%, a block was set. Measured from half the limit up, a "
        "little too low for large limits.",
        "La plus grande part de la limite qu’un même client ait "
        "employée. Au-delà de 100\u00a0%, un blocage a été posé. Mesuré "
        "à partir de la moitié de la limite, un peu par défaut pour les "
        "grandes limites." },

    [PGUARD_STATUS_RULES_NONE] = {
        "No hammering rule is configured.",
        "Aucune règle de martèlement n’est configurée." },

    [PGUARD_STATUS_RULE] = { "Rule", "Règle" },

    [PGUARD_STATUS_RULE_LIMIT] = { "Limit", "Limite" },

    [PGUARD_STATUS_UNDER] = { "under 50", "moins de 50" },

    [PGUARD_STATUS_BLOCKS_SET] = { "Blocks set", "Blocages posés" },

    [PGUARD_STATUS_SERVICES] = { "Services", "Services" },

    [PGUARD_STATUS_SERVICES_NOTE] = {
        "Since the counters began. Those with most refusals first.",
        "Depuis le début du comptage. Les plus refusés d’abord." },

    [PGUARD_STATUS_SERVICE] = { "Service", "Service" },

    [PGUARD_STATUS_GUARD] = { "The guard itself", "La garde elle-même" },

    [PGUARD_STATUS_KIND] = { "Memory for", "Mémoire pour" },

    [PGUARD_STATUS_SIGNATURES] = {
        "requests admitted lately",
        "requêtes admises récemment" },

    [PGUARD_STATUS_WINDOWS] = { "counts of clients", "comptes des clients" },

    [PGUARD_STATUS_BLOCK_ENTRIES] = { "blocks", "blocages" },

    [PGUARD_STATUS_USED] = { "In use", "Occupé" },

    [PGUARD_STATUS_SHARE] = { "Share", "Part" },

    [PGUARD_STATUS_GUARD_NOTE] = {
        "What is in use of the zones’ memory. A full table refuses "
        "nobody: older entries go, and a duplicate may pass.",
        "Ce qui est occupé de la mémoire des zones. Une table pleine "
        "ne refuse personne\u00a0: des entrées anciennes partent, et "
        "un doublon peut passer." },

    [PGUARD_STATUS_EVICTIONS] = {
        "Evicted while in use",
        "Évincés encore utiles" },

    [PGUARD_STATUS_EXHAUSTED] = {
        "Blocks that found no place, and were not set:",
        "Blocages non posés, faute de place\u00a0:" },

    [PGUARD_STATUS_CALLS] = {
        "Calls since the start",
        "Appels depuis le démarrage" },

    [PGUARD_STATUS_CALLS_FAILED] = { "of which failed", "dont en échec" },

    [PGUARD_STATUS_MEAN] = {
        "Time to answer, mean",
        "Délai de réponse moyen" },

    [PGUARD_STATUS_P99] = { "99% within", "99\u00a0% en moins de" },

    [PGUARD_STATUS_SLOWER] = {
        "longer than what is measured",
        "plus que ce qui est mesuré" },

    [PGUARD_STATUS_DEGRADED] = { "Time without Redis", "Temps sans Redis" },

    [PGUARD_STATUS_OVERSHOOT] = {
        "Worst overshoot of a limit, all gateways together",
        "Pire dépassement d’une limite, toutes passerelles réunies" },

    [PGUARD_STATUS_INDICATORS] = { "Indicators", "Indicateurs" },

    [PGUARD_STATUS_INDICATORS_NONE] = {
        "No indicator is counted here.",
        "Aucun indicateur n’est compté ici." },

    [PGUARD_STATUS_NO_FIGURES] = {
        "The clock of this gateway is out of all months.",
        "L’horloge de cette passerelle est hors de tout mois." },

    [PGUARD_STATUS_PARTIAL] = {
        "others could not be asked",
        "d’autres n’ont pu être consultées" },

    [PGUARD_STATUS_REPORT] = { "Report of the month", "Rapport du mois" },

    [PGUARD_STATUS_OPEN_OUTAGE] = {
        "Outage not restored since",
        "Panne non rétablie depuis" },

    [PGUARD_STATUS_ACTION] = { "Action", "Action" },

    [PGUARD_STATUS_LIFT] = { "Lift", "Lever" },

    [PGUARD_STATUS_LIFT_TITLE] = {
        "Lift this block?",
        "Lever ce blocage\u00a0?" },

    [PGUARD_STATUS_LIFT_NOTE] = {
        "Its counts and offences are forgotten, at all gateways.",
        "Ses comptes et infractions sont oubliés, sur toutes les "
        "passerelles." },

    [PGUARD_STATUS_SET_BLOCK] = { "Set a block", "Poser un blocage" },

    [PGUARD_STATUS_BLOCK] = { "Block", "Bloquer" },

    [PGUARD_STATUS_BLOCK_NOTE] = {
        "The client is refused from now on, at all gateways. A block "
        "by an operator counts as failed requests; one for abnormal "
        "use is excluded.",
        "Le client est refusé dès maintenant, sur toutes les "
        "passerelles. Un blocage par l’exploitant compte en "
        "échec\u00a0; un blocage pour usage anormal est exclu." },

    [PGUARD_STATUS_FIELD_CLIENT] = {
        "Digest of the client: 32 hex digits",
        "Empreinte du client\u00a0: 32 chiffres hexadécimaux" },

    [PGUARD_STATUS_FIELD_SERVICE] = {
        "Service; empty: all of them",
        "Service\u00a0; vide\u00a0: tous" },

    [PGUARD_STATUS_FIELD_MINUTES] = {
        "For how many minutes",
        "Pour combien de minutes" },

    [PGUARD_STATUS_FIELD_WHY] = { "Why", "Pourquoi" },

    [PGUARD_STATUS_WHY_NOTE] = {
        "Who did what and why goes to the audit log.",
        "Qui a fait quoi et pourquoi va au journal d’audit." },

    [PGUARD_STATUS_FIELD_WHO] = { "Your name", "Votre nom" },

    [PGUARD_STATUS_DECLARE] = { "Declare an outage", "Déclarer une panne" },

    [PGUARD_STATUS_FIELD_NOTIFIED] = {
        "Notified by a client at",
        "Notifiée par un client à" },

    [PGUARD_STATUS_FIELD_DETECTED] = {
        "Detected by monitoring at",
        "Détectée par la supervision à" },

    [PGUARD_STATUS_FIELD_TIMES_NOTE] = {
        "One of both at least; it starts at the earlier. In your local "
        "time.",
        "L’un des deux au moins\u00a0; elle commence au plus tôt. En "
        "heure locale." },

    [PGUARD_STATUS_FIELD_CAUSE] = { "Cause", "Cause" },

    [PGUARD_STATUS_RESTORE] = { "Close", "Clore" },

    [PGUARD_STATUS_RESTORE_TITLE] = {
        "Confirm the restoration",
        "Confirmer le rétablissement" },

    [PGUARD_STATUS_FIELD_END] = {
        "Service wholly restored at",
        "Service entièrement rétabli à" },

    [PGUARD_STATUS_RESTORE_NOTE] = {
        "Only when the service is wholly restored: degraded is still "
        "down. In your local time.",
        "Seulement si le service est entièrement rétabli\u00a0: "
        "dégradé, il reste indisponible. En heure locale." },

    [PGUARD_STATUS_FIELD_CONFIRMED] = { "Confirmed by", "Confirmé par" },

    [PGUARD_STATUS_FIELD_CONFIRMER] = {
        "Who confirmed it",
        "Qui l’a confirmé" },

    [PGUARD_STATUS_CANCEL] = { "Cancel", "Annuler" },

    [PGUARD_STATUS_SEND] = { "Confirm", "Confirmer" },

    [PGUARD_STATUS_DONE] = { "Done.", "C’est fait." },

    [PGUARD_STATUS_FAILED] = { "That did not work:", "Échec\u00a0:" },

    [PGUARD_STATUS_NO_ANSWER] = {
        "the gateway does not answer.",
        "la passerelle ne répond pas." },

    [PGUARD_STATUS_DENIED] = {
        "the gateway refuses access, as when a login has ended: load the "
        "page again.",
        "la passerelle refuse l’accès, comme après la fin d’une "
        "session\u00a0: rechargez la page." },

    [PGUARD_STATUS_ERROR] = {
        "the gateway answers with an error:",
        "la passerelle répond par une erreur\u00a0:" },

    [PGUARD_STATUS_FOOT] = {
        "Request counts are those of this gateway; blocks and outages "
        "are shared where there is a Redis.",
        "Les requêtes comptées sont celles de cette passerelle\u00a0; "
        "blocages et pannes sont partagés s’il y a un Redis." }
};
