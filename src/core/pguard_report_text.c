/*
 * Every human text of the report: see pguard_report_text.h.  \u00a0: the space
 * that does not break, which French wants before a colon and a semicolon.
 */

#include "pguard_report_text.h"


const char *const  pguard_report_texts[PGUARD_REPORT_TEXTS][PGUARD_LANGS] = {

    [PGUARD_REPORT_TITLE] = {
        "Availability",
        "Disponibilité" },

    [PGUARD_REPORT_INDICATOR] = {
        "Indicator",
        "Indicateur" },

    [PGUARD_REPORT_MONTH] = {
        "Month",
        "Mois" },

    [PGUARD_REPORT_PERIOD] = {
        "Period",
        "Période" },

    [PGUARD_REPORT_TO] = {
        " to ",
        " au " },

    [PGUARD_REPORT_TIMEZONE] = {
        "Time zone",
        "Fuseau horaire" },

    [PGUARD_REPORT_AS_OF] = {
        "Figures as of",
        "Chiffres arrêtés au" },

    [PGUARD_REPORT_GENERATED] = {
        "Report made",
        "Rapport établi le" },

    [PGUARD_REPORT_SINCE] = {
        "Requests counted since",
        "Requêtes comptées depuis" },

    [PGUARD_REPORT_GATEWAYS] = {
        "Gateways included",
        "Passerelles prises en compte" },

    [PGUARD_REPORT_PARTIAL] = {
        "not all",
        "pas toutes" },

    [PGUARD_REPORT_PROVISIONAL] = {
        "Provisional: what some gateways have counted could not be read.",
        "Provisoire\u00a0: les décomptes de certaines passerelles n’ont pas "
        "pu être lus." },

    [PGUARD_REPORT_TARGET] = {
        "Target",
        "Objectif" },

    [PGUARD_REPORT_RESULT] = {
        "Result",
        "Résultat" },

    [PGUARD_REPORT_BY_TIME] = {
        "Availability by time",
        "Disponibilité en temps" },

    [PGUARD_REPORT_PROJECTED] = {
        "Projected to the end of the month, if nothing more fails",
        "Projetée à la fin du mois, sans nouvelle panne" },

    [PGUARD_REPORT_DOWNTIME] = {
        "Downtime",
        "Indisponibilité" },

    [PGUARD_REPORT_OUTAGES] = {
        "Outages",
        "Pannes" },

    [PGUARD_REPORT_LONGEST] = {
        "Longest outage",
        "Panne la plus longue" },

    [PGUARD_REPORT_BUDGET] = {
        "Error budget of the month",
        "Budget d’erreur du mois" },

    [PGUARD_REPORT_LEFT] = {
        "Error budget left",
        "Budget d’erreur restant" },

    [PGUARD_REPORT_OVERDRAWN] = {
        "Error budget overdrawn by",
        "Budget d’erreur dépassé de" },

    [PGUARD_REPORT_TARGET_MET] = {
        "Target met",
        "Objectif atteint" },

    [PGUARD_REPORT_TARGET_MISSED] = {
        "Target missed",
        "Objectif manqué" },

    [PGUARD_REPORT_TARGET_OPEN] = {
        "Month in progress; target not missed so far",
        "Mois en cours\u00a0; objectif non manqué à ce jour" },

    [PGUARD_REPORT_TARGET_BELOW] = {
        "Month in progress; below the target so far",
        "Mois en cours\u00a0; en dessous de l’objectif à ce jour" },

    [PGUARD_REPORT_TARGET_NO_DATA] = {
        "No request counted",
        "Aucune requête comptée" },

    [PGUARD_REPORT_TARGET_NOT_APPLICABLE] = {
        "Not applicable",
        "Non applicable" },

    [PGUARD_REPORT_CONDITION] = {
        "This indicator is conditional, and its condition is not met:"
        " the agreement’s target does not apply. The figures are "
        "given for information.",
        "Cet indicateur est conditionnel et sa condition n’est pas "
        "remplie\u00a0: l’objectif de la convention ne s’applique "
        "pas. Les chiffres sont donnés à titre d’information." },

    [PGUARD_REPORT_CONDITIONAL] = {
        "This indicator is conditional (*).",
        "Cet indicateur est conditionnel (*)." },

    [PGUARD_REPORT_DAYS] = {
        "Day by day",
        "Jour par jour" },

    [PGUARD_REPORT_DAYS_NOTE] = {
        "Downtime of each day, in the indicator’s time zone.",
        "Indisponibilité de chaque jour, dans le fuseau horaire de "
        "l’indicateur." },

    [PGUARD_REPORT_DAY_UP] = {
        "no downtime recorded",
        "aucune indisponibilité enregistrée" },

    [PGUARD_REPORT_DAY_DOWN] = {
        "down for",
        "indisponible pendant" },

    [PGUARD_REPORT_DAY_FUTURE] = {
        "not yet",
        "à venir" },

    [PGUARD_REPORT_REQUESTS] = {
        "Requests",
        "Requêtes" },

    [PGUARD_REPORT_REQUESTS_NOTE] = {
        "The raw figure takes excluded requests for failures, as a "
        "tool does that does not know the agreement. The contractual "
        "one leaves them out altogether.",
        "Le chiffre brut tient les requêtes exclues pour des échecs, "
        "comme le fait un outil qui ignore la convention. Le chiffre "
        "contractuel n’en tient aucun compte." },

    [PGUARD_REPORT_CONTRACTUAL] = {
        "Contractual",
        "Contractuel" },

    [PGUARD_REPORT_RAW] = {
        "Raw",
        "Brut" },

    [PGUARD_REPORT_GOOD] = {
        "Good",
        "Réussies" },

    [PGUARD_REPORT_FAILED] = {
        "Failed",
        "En échec" },

    [PGUARD_REPORT_EXCLUDED] = {
        "Excluded",
        "Exclues" },

    [PGUARD_REPORT_IGNORED] = {
        "Ignored",
        "Ignorées" },

    [PGUARD_REPORT_BY_REQUESTS] = {
        "Availability by requests",
        "Disponibilité en requêtes" },

    [PGUARD_REPORT_CHANGE] = {
        "Difference made by the exclusions",
        "Écart dû aux exclusions" },

    [PGUARD_REPORT_POINTS] = {
        " points",
        " points" },

    [PGUARD_REPORT_NONE] = {
        "none",
        "aucune" },

    [PGUARD_REPORT_NOT_COUNTED] = {
        "not counted",
        "non comptées" },

    [PGUARD_REPORT_AS_FAILED] = {
        "counted as failed",
        "comptées en échec" },

    [PGUARD_REPORT_REFUSALS] = {
        "Refusals by reason",
        "Refus par motif" },

    [PGUARD_REPORT_REASON] = {
        "Reason",
        "Motif" },

    [PGUARD_REPORT_CLASS] = {
        "Counted as",
        "Comptées comme" },

    [PGUARD_REPORT_DUPLICATE] = {
        "Identical request within its second",
        "Requête identique dans la même seconde" },

    [PGUARD_REPORT_HAMMERING] = {
        "Abnormal use, blocked for a time",
        "Usage anormal, bloqué temporairement" },

    [PGUARD_REPORT_LOCKOUT] = {
        "Too many failed logins",
        "Trop d’échecs de connexion" },

    [PGUARD_REPORT_OPERATOR] = {
        "Blocked by the operator",
        "Bloqué par l’exploitant" },

    [PGUARD_REPORT_OUTAGES_NOTE] = {
        "Where outages overlap, each second counts once. A block "
        "takes nothing off an outage.",
        "Là où des pannes se recouvrent, chaque seconde compte une "
        "seule fois. Un blocage ne retranche rien d’une panne." },

    [PGUARD_REPORT_OUTAGES_NONE] = {
        "No outage recorded in this month.",
        "Aucune panne enregistrée ce mois-ci." },

    [PGUARD_REPORT_START] = {
        "Start",
        "Début" },

    [PGUARD_REPORT_END] = {
        "End",
        "Fin" },

    [PGUARD_REPORT_DURATION] = {
        "Within the month",
        "Dans le mois" },

    [PGUARD_REPORT_CAUSE] = {
        "Cause",
        "Cause" },

    [PGUARD_REPORT_CONFIRMED] = {
        "Restoration confirmed by",
        "Rétablissement confirmé par" },

    [PGUARD_REPORT_SOURCE] = {
        "Source",
        "Source" },

    [PGUARD_REPORT_OPEN] = {
        "not restored yet",
        "service non rétabli" },

    [PGUARD_REPORT_DECLARED] = {
        "declared",
        "déclarée" },

    [PGUARD_REPORT_MEASURED] = {
        "measured",
        "mesurée" },

    [PGUARD_REPORT_WITHDRAWN] = {
        "withdrawn",
        "retirée" },

    [PGUARD_REPORT_CORRECTED] = {
        "corrected",
        "corrigée" },

    [PGUARD_REPORT_NOTIFIED] = {
        "notified",
        "notifiée" },

    [PGUARD_REPORT_DETECTED] = {
        "detected",
        "détectée" },

    [PGUARD_REPORT_MONITORING] = {
        "monitoring",
        "supervision" },

    [PGUARD_REPORT_USER] = {
        "user",
        "utilisateur" },

    [PGUARD_REPORT_MORE] = {
        "Further measured outages, not listed but counted:",
        "Autres pannes mesurées, non listées mais comptées\u00a0:" },

    [PGUARD_REPORT_METHOD] = {
        "How this is computed",
        "Mode de calcul" },

    [PGUARD_REPORT_METHOD_TIME] = {
        "By time: 1 minus the union of all outages within the month, "
        "divided by the month, to the second. Of a month in progress,"
        " only what has elapsed counts.",
        "En temps\u00a0: 1 moins l’union de toutes les pannes du "
        "mois, rapportée au mois, à la seconde près. D’un mois en "
        "cours, seul le temps écoulé compte." },

    [PGUARD_REPORT_METHOD_OUTAGE] = {
        "An outage starts at the earlier of its detection and its "
        "notification, and ends with the complete restoration of the "
        "service: degraded is still down.",
        "Une panne commence au plus tôt de sa détection et de sa "
        "notification, et s’achève au rétablissement complet du "
        "service\u00a0: un service dégradé reste indisponible." },

    [PGUARD_REPORT_METHOD_SLOT] = {
        "A measured outage is made of slots in which enough requests "
        "failed. These thresholds are settings, and not part of the "
        "agreement:",
        "Une panne mesurée est faite de tranches où assez de requêtes"
        " ont échoué. Ces seuils sont des réglages et ne font pas "
        "partie de la convention\u00a0:" },

    [PGUARD_REPORT_SLICE] = {
        "Slot",
        "Tranche" },

    [PGUARD_REPORT_MIN_REQUESTS] = {
        "Requests at least",
        "Requêtes au moins" },

    [PGUARD_REPORT_DOWN_RATIO] = {
        "Of which failed at least",
        "Dont en échec au moins" },

    [PGUARD_REPORT_JANUARY] = { "January", "janvier" },
    [PGUARD_REPORT_JANUARY + 1] = { "February", "février" },
    [PGUARD_REPORT_JANUARY + 2] = { "March", "mars" },
    [PGUARD_REPORT_JANUARY + 3] = { "April", "avril" },
    [PGUARD_REPORT_JANUARY + 4] = { "May", "mai" },
    [PGUARD_REPORT_JANUARY + 5] = { "June", "juin" },
    [PGUARD_REPORT_JANUARY + 6] = { "July", "juillet" },
    [PGUARD_REPORT_JANUARY + 7] = { "August", "août" },
    [PGUARD_REPORT_JANUARY + 8] = { "September", "septembre" },
    [PGUARD_REPORT_JANUARY + 9] = { "October", "octobre" },
    [PGUARD_REPORT_JANUARY + 10] = { "November", "novembre" },
    [PGUARD_REPORT_JANUARY + 11] = { "December", "décembre" }
};


const unsigned  pguard_report_reasons[PGUARD_REASONS] = {
    [PGUARD_REASON_DUPLICATE] = PGUARD_REPORT_DUPLICATE,
    [PGUARD_REASON_HAMMERING] = PGUARD_REPORT_HAMMERING,
    [PGUARD_REASON_LOCKOUT]   = PGUARD_REPORT_LOCKOUT,
    [PGUARD_REASON_OPERATOR]  = PGUARD_REPORT_OPERATOR
};
