//! What the search asks of the store beside names: numbers, mailboxes, and the criteria of the advanced form.

use std::collections::BTreeSet;

use annuaire_base::id;
use annuaire_base::text::fold;
use annuaire_base::words::words;
use annuaire_finder::find::Listing;
use annuaire_finder::located::practising_at;
use annuaire_index::{Error, Filter, RoaringBitmap, Snapshot};
use annuaire_nos::Nos;
use annuaire_terms::{ParamId, TypeId};

use crate::limits;
use crate::query::QueryFields;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::schema::{
    ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, active, organization, practitioner, role, with_code, with_code_of,
};

/// What numbers or an address lead to.
pub(crate) struct Direct {
    pub people: Listing,
    pub structures: Listing,
}

impl Direct {
    fn new(people: &RoaringBitmap, structures: &RoaringBitmap) -> Self {
        Self { people: Listing::of_rows(PRACTITIONER, people), structures: Listing::of_rows(ORGANIZATION, structures) }
    }

    /// The address of the one sheet to which everything leads; `None` when it leads to several, or to none.
    pub(crate) fn only_sheet(&self, snapshot: &Snapshot) -> Result<Option<String>, Error> {
        let mut sheets = BTreeSet::new();
        // Practices of one person share a sheet; a few rows tell whether there is another person.
        for row in self.people.page(snapshot, 0, limits::FIRST_LOOK)? {
            let shown = PractitionerView::of_json(&shown_json(&snapshot.read(row)?));
            sheets.insert(format!("/professionnel/{}", shown.national_id));
        }
        for row in self.structures.page(snapshot, 0, limits::FIRST_LOOK)? {
            let shown = OrganizationView::of_json(&shown_json(&snapshot.read(row)?));
            sheets.insert(format!("/structure/{}", shown.technical_id));
        }
        Ok(if sheets.len() == 1 { sheets.pop_first() } else { None })
    }
}

/// People and structures that have one of these numbers: RPPS or ADELI number, alone or as a national identifier, FINESS, SIREN, SIRET.
pub(crate) fn by_numbers(snapshot: &Snapshot, numbers: &[String]) -> Result<Direct, Error> {
    let any = |ty: TypeId, active_param: ParamId, param: ParamId, forms: &dyn Fn(&String) -> Vec<String>| {
        let codes = numbers.iter().flat_map(forms).map(|code| with_code(param, &code)).collect();
        snapshot.search(ty, &Filter::And(vec![active(active_param), Filter::Or(codes)]))
    };
    let of_person = |number: &String| vec![number.clone(), format!("8{number}"), format!("0{number}")];
    let people = any(PRACTITIONER, practitioner::ACTIVE, practitioner::IDENTIFIER, &of_person)?;
    let structures = any(ORGANIZATION, organization::ACTIVE, organization::IDENTIFIER, &|number: &String| vec![number.clone()])?;
    Ok(Direct::new(&people, &structures))
}

/// What numbers mean, in sentences: how many there are, and which has a key that is wrong.
pub(crate) fn number_sentences(numbers: &[String], found: u64) -> Vec<String> {
    let mut sentences = Vec::new();
    if numbers.len() > 1 {
        sentences.push(format!("Compris : {} numéros ({}).", numbers.len(), numbers.join(", ")));
    }
    for number in numbers {
        let rpps = match (number.len(), number.strip_prefix('8')) {
            (11, _) => Some(number.as_str()),
            (12, rest) => rest,
            _ => None,
        };
        if let Some(rpps) = rpps
            && id::rpps(rpps).is_err()
        {
            sentences.push(format!("{rpps} n’est pas un numéro RPPS : sa clé de contrôle est fausse. Vérifiez chaque chiffre."));
        }
    }
    if found == 0 && sentences.is_empty() {
        sentences.push(format!("Aucun professionnel ni aucune structure n’a le numéro {}.", numbers.join(", ")));
    }
    sentences
}

/// People and structures with a secure mailbox that begins so.
pub(crate) fn by_mailbox(snapshot: &Snapshot, address: &str) -> Result<Direct, Error> {
    let with_box = |param: ParamId| Filter::Prefix { param, value: address.to_owned() };
    let people = Filter::And(vec![active(practitioner::ACTIVE), with_mailbox(address)]);
    let structures = Filter::And(vec![active(organization::ACTIVE), with_box(organization::MAILBOX_MSS)]);
    Ok(Direct::new(&*snapshot.search(PRACTITIONER, &people)?, &*snapshot.search(ORGANIZATION, &structures)?))
}

/// Practices with a secure mailbox of their own or of one of their situations.
fn with_mailbox(address: &str) -> Filter {
    let with_box = |param: ParamId| Filter::Prefix { param, value: address.to_owned() };
    let of_role = Filter::Has {
        source_type: PRACTITIONER_ROLE,
        param: role::PRACTITIONER,
        target_name: "Practitioner".to_owned(),
        filter: Box::new(with_box(role::MAILBOX_MSS)),
    };
    Filter::Or(vec![with_box(practitioner::MAILBOX_MSS), of_role])
}

/// The criteria of the advanced form; empty ones ask nothing.
pub(crate) struct AdvancedCriteria<'f>(&'f QueryFields);

impl<'f> AdvancedCriteria<'f> {
    pub(crate) const fn new(fields: &'f QueryFields) -> Self {
        Self(fields)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.of_people().is_empty()
    }

    /// Whether a criterion speaks of people, so that structures alone cannot fulfil it.
    pub(crate) fn is_of_people_alone(&self) -> bool {
        ["nom", "prenom", "profession", "specialite"].into_iter().any(|name| !self.0.get(name).is_empty())
    }

    /// Conditions on practices.
    pub(crate) fn of_people(&self) -> Vec<Filter> {
        let mut all = Vec::new();
        let typed = |name: &str| Some(self.0.get(name)).filter(|value| !value.is_empty());
        if let Some(number) = typed("identifiant") {
            let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            let forms = [number.clone(), format!("8{number}"), format!("0{number}")];
            let of_place = practising_at(with_code(organization::IDENTIFIER, &number));
            let own = forms.iter().map(|code| with_code(practitioner::IDENTIFIER, code));
            all.push(Filter::Or(own.chain([of_place]).collect()));
        }
        all.extend(typed("nom").map(|value| beginning_words(practitioner::FAMILY, value)));
        all.extend(typed("prenom").map(|value| beginning_words(practitioner::GIVEN, value)));
        all.extend(typed("profession").map(|code| match Nos::embedded().profession(code) {
            Some((table, concept)) => with_code_of(practitioner::QUALIFICATION_CODE, &table.system, &concept.code),
            None => Filter::Or(Vec::new()),
        }));
        all.extend(typed("specialite").map(|code| with_code(practitioner::QUALIFICATION_CODE, code)));
        all.extend(typed("mss").map(|address| with_mailbox(&address.to_lowercase())));
        let of_place = self.places();
        if !of_place.is_empty() {
            all.push(practising_at(Filter::And(of_place)));
        }
        all
    }

    /// Conditions on structures.
    pub(crate) fn of_structures(&self) -> Vec<Filter> {
        let mut all = self.places();
        let typed = |name: &str| Some(self.0.get(name)).filter(|value| !value.is_empty());
        if let Some(number) = typed("identifiant") {
            let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            all.push(with_code(organization::IDENTIFIER, &number));
        }
        let mailbox = |address: &str| Filter::Prefix { param: organization::MAILBOX_MSS, value: address.to_lowercase() };
        all.extend(typed("mss").map(mailbox));
        all
    }

    /// Conditions on the structure itself, or on that where somebody practises.
    fn places(&self) -> Vec<Filter> {
        let mut all = Vec::new();
        let typed = |name: &str| Some(self.0.get(name)).filter(|value| !value.is_empty());
        let contains = |param: ParamId, value: &str| {
            let words: Vec<Filter> =
                words(value).into_iter().take(limits::CRITERION_WORDS).map(|value| Filter::Contains { param, value }).collect();
            if words.is_empty() { Filter::Or(words) } else { Filter::And(words) }
        };
        all.extend(typed("structure").map(|value| beginning_words(organization::NAME, value)));
        all.extend(typed("adresse").map(|value| contains(organization::ADDRESS, value)));
        all.extend(typed("voie").map(|value| contains(organization::ADDRESS_LINE, value)));
        all.extend(typed("cp").map(|value| prefix(organization::POSTAL_CODE, value)));
        all.extend(typed("ville").map(|value| prefix(organization::CITY, value)));
        all
    }
}

/// Texts that begin with what was typed; none for signs alone.
fn prefix(param: ParamId, value: &str) -> Filter {
    if fold(value).chars().any(char::is_alphanumeric) {
        Filter::Prefix { param, value: value.to_owned() }
    } else {
        Filter::Or(Vec::new())
    }
}

/// Names of which words begin with all the typed words; none for signs alone.
fn beginning_words(param: ParamId, value: &str) -> Filter {
    let typed = words(value).into_iter().take(limits::CRITERION_WORDS);
    let words: Vec<Filter> = typed.map(|beginning| Filter::WordStart { param, beginning }).collect();
    if words.is_empty() { Filter::Or(words) } else { Filter::And(words) }
}

#[cfg(test)]
mod tests {
    use super::{AdvancedCriteria, Filter, number_sentences};
    use crate::query::QueryFields;

    #[test]
    fn signs_alone_find_nobody() {
        for typed in ["-", "- -", "'", "…", "*", "%25", "«»", "_", "."] {
            for name in ["nom", "prenom", "structure", "adresse", "voie", "ville", "cp"] {
                let fields = QueryFields::parse(Some(&format!("{name}={typed}")));
                let criteria = AdvancedCriteria::new(&fields);
                let [filter] = criteria.of_people().try_into().unwrap_or_else(|all| panic!("{name}={typed}: {all:?}"));
                assert!(format!("{filter:?}").contains("Or([])"), "{name}={typed}: {filter:?}");
            }
        }
        let none = QueryFields::parse(Some("nom=&ville="));
        assert!(AdvancedCriteria::new(&none).is_empty() && AdvancedCriteria::new(&none).of_structures() == Vec::<Filter>::new());
    }

    #[test]
    fn numbers_are_told() {
        let one = |number: &str| number_sentences(&[number.to_owned()], 0).join(" ");
        assert!(one("10999000011").contains("clé de contrôle est fausse"), "{}", one("10999000011"));
        assert!(one("810999000011").contains("10999000011 n’est pas"), "{}", one("810999000011"));
        assert_eq!(one("10999000010"), "Aucun professionnel ni aucune structure n’a le numéro 10999000010.");
        let three = ["10999000010", "990000010", "990000028"].map(str::to_owned);
        assert!(number_sentences(&three, 2)[0].starts_with("Compris : 3 numéros"));
    }
}
