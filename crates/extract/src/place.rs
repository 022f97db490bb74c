//! What structures give to lines that name them.

use crate::filter::{ActivityFilter, territory};
use crate::labels::{self, label};
use crate::text_line::{Fragment, PipeLine, cut, packed, push_clean};
use annuaire_mos::{Adresse, Structure};

/// The fragments of a structure for lines of activities, packed. Cost: a few hundred bytes.
pub(crate) fn fragments(s: &Structure, filter: &ActivityFilter) -> String {
    packed(&of_activities(s, filter))
}

/// What a line without structure gets: fields without a value.
pub(crate) fn nowhere() -> String {
    let (s, filter) = (Structure::default(), ActivityFilter::default());
    let mut all = of_activities(&s, &filter).to_vec();
    all.push((Fragment::MailboxPlace, mailbox_place(&s)));
    packed(&all)
}

fn of_activities(s: &Structure, filter: &ActivityFilter) -> [(Fragment, String); 7] {
    let (mut sector, mut code, mut authority, mut name) =
        (PipeLine::default(), PipeLine::default(), String::new(), String::new());
    sector.fields(&[&s.secteur_activite, label("TRE_R02", &s.secteur_activite)]);
    code.field(&s.secteur_activite);
    push_clean(&mut authority, &s.autorite_enregistrement, '|');
    push_clean(&mut name, cut(&s.raison_sociale, 38), ';');
    [
        (Fragment::Wanted, wanted(s, filter)),
        (Fragment::Place, place(s)),
        (Fragment::Sector, sector.into_text()),
        (Fragment::Authority, authority),
        (Fragment::PscPlace, psc_place(s)),
        (Fragment::PscSector, code.into_text()),
        (Fragment::Name, name),
    ]
}

/// The fragments of a structure for lines of mailboxes, packed.
pub(crate) fn mailbox_fragments(s: &Structure, filter: &ActivityFilter) -> String {
    packed(&[(Fragment::Wanted, wanted(s, filter)), (Fragment::MailboxPlace, mailbox_place(s))])
}

fn wanted(s: &Structure, filter: &ActivityFilter) -> String {
    if filter.wants_structure(s) { "1".to_owned() } else { String::new() }
}

/// Numbers and names, which begin the block of a place in both files of activities.
fn identity(s: &Structure) -> PipeLine {
    let mut line = PipeLine::default();
    // A legal entity has its number in the column of sites too: that is where readers look for it.
    line.fields(&[&s.num_siret, &s.num_siren]);
    if s.entite_juridique {
        line.field("").field(&s.num_finess);
    } else {
        line.field(&s.num_finess).field(&s.num_finess_ej);
    }
    line.fields(&[&s.id_technique, &s.raison_sociale, &s.enseigne_commerciale]);
    line
}

/// Phones, fax and mail.
fn telecom(line: &mut PipeLine, s: &Structure) {
    let phone = |n: usize| s.telephones.get(n).map_or("", String::as_str);
    line.fields(&[phone(0), phone(1), &s.telecopie, &s.courriel]);
}

/// The sixth postal line. A source that gives its parts only, and not the line, gets the line made of them.
pub(crate) fn sixth_line(a: &Adresse) -> String {
    if !a.bureau_cedex.is_empty() {
        return a.bureau_cedex.clone();
    }
    [a.code_postal.as_str(), &a.localite].join(" ").trim().to_owned()
}

/// Columns 20 to 47 of `Personne_activite`; both columns of the department are empty, as published.
fn place(s: &Structure) -> String {
    let a = &s.adresse;
    let mut line = identity(s);
    line.fields(&[&a.point_remise, &a.complement_point_geographique, &a.numero_voie, &a.extension]);
    line.fields(&[&a.type_voie, label("TRE_R35", &a.type_voie), &a.libelle_voie, &a.mention_distribution]);
    line.fields(&[&sixth_line(a), &a.code_postal, &a.cog_commune, &a.localite, &a.pays, labels::country(&a.pays)]);
    telecom(&mut line, s);
    line.empty(2).field(&s.id_nat_struct);
    line.into_text()
}

/// Columns 25 to 48 of the ProSanteConnect file.
fn psc_place(s: &Structure) -> String {
    let a = &s.adresse;
    let mut line = identity(s);
    line.fields(&[&a.point_remise, &a.complement_point_geographique, &a.numero_voie, &a.extension]);
    line.fields(&[&a.type_voie, &a.libelle_voie, &a.mention_distribution, &sixth_line(a), &a.code_postal]);
    line.fields(&[&a.cog_commune, &a.pays]);
    telecom(&mut line, s);
    line.empty(1).field(&s.id_nat_struct);
    line.into_text()
}

/// Columns 19 to 31 of the mailbox file: labels in place of codes.
fn mailbox_place(s: &Structure) -> String {
    let a = &s.adresse;
    let street = label("TRE_R35", &a.type_voie);
    let locality = if a.lieu_dit.is_empty() { &a.mention_distribution } else { &a.lieu_dit };
    let department = territory(a).map_or("", |t| label("TRE_G09", &t.department));
    let mut line = PipeLine::default();
    line.fields(&[&s.raison_sociale, &s.enseigne_commerciale, &a.point_remise, &a.complement_point_geographique]);
    line.fields(&[&a.numero_voie, &a.extension, &street.to_uppercase(), &a.libelle_voie, locality]);
    line.fields(&[&sixth_line(a), &a.code_postal, department, labels::country(&a.pays)]);
    line.into_text()
}
