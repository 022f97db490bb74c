//! The labels of translated pages: one table, French beside English. Templates name a label by its French.
//!
//! A page is in English when its address says so (`?lang=en`), never because of `Accept-Language`: one address has one content, whoever keeps
//! it. What comes from the directory (professions, roles, names of authorities) stays in French, and is marked as French.

use annuaire_base::date::{iso_day, paris_stamp};

use crate::french::{french_long_day, french_minute};

/// The language of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    French,
    English,
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

impl Language {
    /// The language that a query string asks for.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        let asked = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).find(|(name, _)| name == "lang");
        if asked.is_some_and(|(_, value)| value == "en") { Self::English } else { Self::French }
    }

    /// Its code (BCP 47).
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// Value of the parameter that asks for it; empty for the language of pages that ask for none.
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::French => "",
            Self::English => "en",
        }
    }

    /// A label, named by its French. A label that the table does not have stays French; a test finds it.
    pub(crate) fn word(self, french: &'static str) -> &'static str {
        match self {
            Self::French => french,
            Self::English => WORDS.iter().find(|row| row.0 == french).map_or(french, |row| row.1),
        }
    }

    /// An ISO day in words.
    pub(crate) fn long_day(self, iso: &str) -> String {
        let number = |from: usize, to: usize| iso.get(from..to).and_then(|digits| digits.parse::<usize>().ok());
        let month = number(5, 7).and_then(|month| MONTHS.get(month.checked_sub(1)?));
        match (self, iso.get(..4), month, number(8, 10)) {
            (Self::English, Some(year), Some(month), Some(day)) => format!("{day} {month} {year}"),
            _ => french_long_day(iso),
        }
    }

    /// The minute of an instant in milliseconds since 1970, in Paris.
    pub(crate) fn minute(self, ms: i64) -> String {
        let stamp = paris_stamp(ms);
        match (self, stamp.get(8..10), stamp.get(10..12)) {
            (Self::English, Some(hour), Some(minute)) => format!("{} at {hour}:{minute}", self.long_day(&iso_day(ms))),
            _ => french_minute(&stamp),
        }
    }
}

/// The table of labels: French, English.
const WORDS: &[(&str, &str)] = &[
    ("Aller au contenu", "Skip to content"),
    ("Menu principal", "Main menu"),
    ("Professionnels", "Professionals"),
    ("Rechercher", "Search"),
    ("Vérifier un exercice", "Check a professional"),
    ("Mentions légales", "Legal notices"),
    ("Avertissement", "Warning"),
    (
        "Démonstration : toutes les personnes et structures sont fictives.",
        "Demonstration: all persons and organisations are fictional.",
    ),
    (
        "Données publiques de l’annuaire, réutilisables sous Licence Ouverte 2.0.",
        "Public data of the directory, which may be reused under the Licence Ouverte 2.0.",
    ),
    ("Mentions légales, correction et réutilisation", "Legal notices, correction and reuse (in French)"),
    ("Accessibilité : non conforme", "Accessibility: not compliant"),
    ("Développeurs :", "Developers:"),
    ("fichiers du jour", "files of the day"),
    ("Nom d’exercice", "Professional name"),
    ("Aucun lieu d’exercice publié.", "No place of practice is published."),
    ("Sans lieu d’exercice fixe", "Without a fixed place of practice"),
    ("Voir sur une carte", "Show on a map"),
    ("Copier", "Copy"),
    ("le numéro", "the number"),
    ("Numéro copié :", "Number copied:"),
    ("Le navigateur a refusé la copie.", "The browser refused to copy."),
    ("Ajouter aux contacts (vCard)", "Add to contacts (vCard)"),
    ("Code QR de cette fiche", "QR code of this page"),
    ("Code QR de l’adresse", "QR code of the address"),
    ("Télécharger le code QR", "Download the QR code"),
    ("Diplômes, autorisations, cartes et numéros", "Diplomas, authorisations, cards and numbers"),
    ("Numéro RPPS", "RPPS number"),
    ("Identifiant national", "National identifier"),
    ("Catégorie", "Category"),
    ("Diplôme", "Diploma"),
    ("Autorisation d’exercice", "Authorisation to practise"),
    ("Carte", "Card"),
    ("Dates de ces données", "Dates of these data"),
    ("Mise à jour par l’autorité", "Updated by the authority"),
    ("non communiquée", "not communicated"),
    ("Livraison reçue et publiée", "Delivery received and published"),
    ("État de l’annuaire", "State of the directory"),
    ("Changements des 30 derniers jours", "Changes of the last 30 days"),
    ("Aucun changement publié.", "No change was published."),
    ("Signaler une erreur", "Report an error"),
    ("Ces données sont corrigées par", "These data are corrected by"),
    ("Signaler une erreur dans cette fiche", "Report an error on this page (in French)"),
    ("sans compte", "no account needed"),
    (
        "Cette structure est fermée ou n’est plus publiée par son autorité d’enregistrement.",
        "This organisation is closed, or its registration authority no longer publishes it.",
    ),
    ("Téléphone", "Telephone"),
    ("Télécopie", "Fax"),
    ("Courriel", "E-mail"),
    ("Messagerie sécurisée", "Secure mailbox"),
    ("Nature", "Kind"),
    ("Entité juridique", "Legal entity"),
    ("Aucun professionnel publié à cette adresse.", "No professional is published at this address."),
    ("Pages de résultats", "Pages of results"),
    ("Page précédente", "Previous page"),
    ("Page suivante", "Next page"),
    ("Établissements rattachés", "Establishments that belong to it"),
    ("Activités et équipements", "Activities and equipment"),
    ("Numéros et dates d’ouverture", "Numbers and dates of opening"),
    ("Signaler l’erreur d’une personne à cette adresse", "Report an error about a person at this address (in French)"),
    ("Vérifier un professionnel", "Check a professional"),
    (
        "Le professionnel qui porte ce numéro RPPS est-il publié comme exerçant aujourd’hui ?",
        "Is the professional with this RPPS number published as practising today?",
    ),
    (
        "Le résultat est une page à imprimer, qui dit à quelle date et sur quel état de l’annuaire elle a été faite. Elle ne montre que les données publiques.",
        "The result is a page to print, which says when and on which state of the directory it was made. It shows public data alone.",
    ),
    ("11 chiffres", "11 digits"),
    ("Vérifier", "Check"),
    ("Numéro à corriger", "Number to correct"),
    (
        "Un numéro RPPS a onze chiffres. Lisez-le sur la carte, la plaque, l’ordonnance ou le cachet du professionnel.",
        "An RPPS number has eleven digits. Read it on the card, the door plate, the prescription or the stamp of the professional.",
    ),
    (
        "Ce numéro a une faute de frappe : sa clé de contrôle n’est pas la bonne. Comparez chaque chiffre.",
        "This number is mistyped: its check digit is wrong. Compare each digit.",
    ),
    ("Exercice vérifié", "Practice checked"),
    (
        "Ce numéro RPPS est publié comme celui d’un professionnel en exercice.",
        "This RPPS number is published as that of a practising professional.",
    ),
    ("Profession", "Profession"),
    ("Savoir-faire", "Know-how"),
    ("Situation", "Situation"),
    ("Aucun lieu d’exercice publié", "No place of practice is published"),
    ("Depuis", "Since"),
    ("Date de début non publique.", "The first day is not public."),
    ("Fiche inchangée depuis", "Record unchanged since"),
    ("Vérifié", "Checked"),
    ("heure de Paris", "time of Paris"),
    ("transaction", "transaction"),
    ("Autorité", "Authority"),
    ("Fiche complète", "Whole record"),
    ("Exercice non vérifié", "Practice not checked"),
    ("Le professionnel qui porte ce numéro n’est plus publié.", "The professional with this number is no longer published."),
    ("Plus publié depuis", "No longer published since"),
    (
        "Les données publiées sous ce numéro ont été retirées pour un motif légal.",
        "What was published under this number was withdrawn for a legal reason.",
    ),
    ("Aucun professionnel n’est publié sous ce numéro.", "No professional is published under this number."),
    (
        "Cela ne prouve pas que la personne n’a pas le droit d’exercer : demandez-le à son ordre ou à l’agence régionale de santé.",
        "This does not prove that the person may not practise: ask the professional order or the regional health agency.",
    ),
    ("Ce que cette page ne dit pas", "What this page does not say"),
    (
        "Elle montre ce que l’annuaire publiait au moment indiqué. Un changement que l’autorité n’a pas encore transmis n’y est pas.",
        "It shows what the directory published at the moment that it names. A change that the authority has not sent yet is not in it.",
    ),
    (
        "La date de début d’exercice, les sanctions et les suspensions ne font pas partie des données publiques.",
        "The first day of practice, sanctions and suspensions are no public data.",
    ),
    (
        "Elle n’identifie pas la personne devant vous : comparez le nom avec une pièce d’identité ou une carte professionnelle.",
        "It does not identify the person in front of you: compare the name with an identity document or a professional card.",
    ),
    (
        "Elle n’est pas une attestation de l’autorité, qui seule fait foi.",
        "It is no certificate of the authority, whose word alone counts.",
    ),
    (
        "Un étudiant est publié avec la catégorie « Etudiant » : il n’exerce que dans les limites de son statut.",
        "A student is published with the category « Etudiant », and practises within the bounds of that status alone.",
    ),
    ("Page établie par", "Page made by"),
    ("Vérifier l’exercice sur une page à imprimer", "Check the practice on a page to print"),
];

#[cfg(test)]
mod tests {
    use super::{Language, WORDS};
    use std::collections::BTreeSet;

    /// Templates of translated pages, and sources that name labels.
    const NAMING: [&str; 16] = [
        include_str!("../templates/base.html"),
        include_str!("../templates/professional.html"),
        include_str!("../templates/structure.html"),
        include_str!("../templates/place.html"),
        include_str!("../templates/phones.html"),
        include_str!("../templates/sheet_actions.html"),
        include_str!("../templates/sheet_dates.html"),
        include_str!("../templates/sheet_pages.html"),
        include_str!("../templates/changes.html"),
        include_str!("../templates/verify_form.html"),
        include_str!("../templates/verify_number.html"),
        include_str!("../templates/verify_refused.html"),
        include_str!("../templates/verify_limits.html"),
        include_str!("../templates/verified.html"),
        include_str!("../templates/not_verified.html"),
        include_str!("page/verify.rs"),
    ];
    /// Labels that resources give: kinds of contacts, and what is wrong with a number.
    const OF_SOURCES: [&str; 2] = [include_str!("resource/contact.rs"), include_str!("page/verify.rs")];

    #[test]
    fn every_label_has_its_english_and_every_row_its_label() {
        let named: BTreeSet<&str> =
            NAMING.iter().flat_map(|text| text.split(".t(\"").skip(1)).map(|rest| rest.split('"').next().unwrap()).collect();
        let rows: BTreeSet<&str> = WORDS.iter().map(|row| row.0).collect();
        assert_eq!(rows.len(), WORDS.len(), "a label stands once");
        assert_eq!(named.difference(&rows).collect::<Vec<_>>(), Vec::<&&str>::new(), "without English");
        let is_given = |label: &&&str| OF_SOURCES.iter().any(|source| source.contains(&format!("\"{label}\"")));
        let unused: Vec<&&str> = rows.difference(&named).filter(|label| !is_given(label)).collect();
        assert_eq!(unused, Vec::<&&str>::new(), "that nothing shows");
        assert!(WORDS.iter().all(|row| !row.0.is_empty() && !row.1.is_empty() && !row.1.contains('’')));
    }

    #[test]
    fn only_the_address_decides_the_language() {
        for (query, language) in [
            (Some("lang=en"), Language::English),
            (Some("page=2&lang=en"), Language::English),
            (Some("lang=fr&lang=en"), Language::French),
            (Some("lang=EN"), Language::French),
            (Some(""), Language::French),
            (None, Language::French),
        ] {
            assert_eq!(Language::of_query(query), language, "{query:?}");
        }
    }

    #[test]
    fn days_and_minutes_are_in_the_language_of_the_page() {
        let ms = 1_800_000_000_000;
        assert_eq!(Language::English.minute(ms), "15 January 2027 at 09:00");
        assert_eq!(Language::French.minute(ms), "15/01/2027 à 09\u{a0}h\u{a0}00");
        assert_eq!(Language::English.long_day("2026-12-01"), "1 December 2026");
        assert_eq!(Language::English.long_day("?"), "?");
    }
}
