//! Published forms of domain objects. They write whatever they are given: an object of the public perimeter has passed
//! [`crate::perimeter`] first and holds nothing else.

use crate::ids::{device_id, organization_id, person_id, practitioner_id, role_id, service_id};
use crate::systems::{
    ADELI, ADXP, ARHGOS, AS, BOOLEAN, COMMUNES, DEVICE_STATUS, FINESS, FR, ID_TYPES, IDNPS, IDNST, R4, RPPS, RPPS_RANG, SIRENE,
    STRUCTURE_TYPES,
};
use crate::{Guide, Perimeter, View, schema, write::Json};
use annuaire_index::{Resource, Standing, Term};
use annuaire_mos::{
    Activite, ActiviteAutorisee, Adresse, BoiteLettresMss, CarteProfessionnel, Certificat, Coordonnees, ExerciceProfessionnel,
    Professionnel, SituationExercice, Structure,
};
use annuaire_nos::{Coding, Nos, coding};

/// Where the facts of a resource come from; an empty system for a reduced form, which does not say.
#[derive(Default)]
struct Trace<'a> {
    authority: &'a str,
    system: &'a str,
    date: &'a str,
}

impl<'a> Trace<'a> {
    fn person(p: &'a Professionnel) -> Self {
        Self { authority: &p.autorite_enregistrement, system: "RPPS", date: &p.date_maj }
    }
}

/// A resource under construction: its bytes and the terms it is found by.
struct Form {
    ty: u8,
    standing: Standing,
    id: String,
    before: Vec<u8>,
    json: Json,
    terms: Vec<Term>,
}

impl Form {
    /// Opens the resource and writes everything that precedes the version and date stamped by the store. `profile` is the
    /// name of the profile without its `as-dp-` or `as-dr-`; empty for a resource that cannot follow it.
    fn new(view: View, ty: u8, id: String, core: &str, profile: &str, trace: &Trace<'_>) -> Self {
        let mut form = Self {
            ty,
            // A form without a trace is a reduced one.
            standing: if trace.system.is_empty() { Standing::Withdrawn } else { Standing::Said },
            id,
            before: Vec::new(),
            json: Json { out: Vec::with_capacity(4_096) },
            terms: Vec::with_capacity(32),
        };
        let authority = if trace.authority.is_empty() { None } else { Nos::embedded().autorite(trace.authority) };
        let mut head = Json { out: Vec::with_capacity(1_024) };
        head.out.push(b'{');
        head.text("resourceType", schema::TYPES[usize::from(ty)]);
        head.text("id", &form.id);
        head.key("meta");
        head.out.push(b'{');
        if !trace.system.is_empty() {
            let registrar = coding::in_table("TRE_R60", authority.unwrap_or(""));
            head.array("extension", |j| {
                j.object(|j| {
                    j.array("extension", |j| {
                        if authority.is_some() {
                            j.object(|j| {
                                j.text("url", "autorite-enregistrement");
                                j.concept("valueCodeableConcept", &registrar);
                            });
                        }
                        j.object(|j| {
                            j.text("url", "systeme-information");
                            j.text("valueCode", trace.system);
                        });
                        j.date_extension("date-maj-ae", trace.date);
                    });
                    j.text("url", &format!("{AS}as-ext-data-trace"));
                });
            });
            head.out.push(b',');
            form.token("data-information-system", "", trace.system);
            if authority.is_some() {
                form.token("data-registration-authority", registrar.system, registrar.code);
            }
        }
        form.before = head.out;
        form.json.text("source", view.guide.source());
        let perimeter = if view.perimeter == Perimeter::Public { "dp" } else { "dr" };
        let own = format!("{AS}as-{perimeter}-{profile}");
        form.json.array("profile", |j| {
            if !core.is_empty() {
                j.string(&format!("{FR}{core}{}", view.guide.core_suffix()));
            }
            if !profile.is_empty() {
                j.string(&format!("{own}{}", view.guide.guide_suffix()));
            }
        });
        if !core.is_empty() {
            form.uri("_profile", &format!("{FR}{core}"));
        }
        if !profile.is_empty() {
            form.uri("_profile", &own);
        }
        form.json.out.push(b'}');
        form.json.text("language", "fr");
        form
    }

    fn param(&self, name: &str) -> Option<u8> {
        schema::param(schema::TYPES[usize::from(self.ty)], name).map(|p| p.id)
    }

    fn token(&mut self, name: &str, system: &str, code: &str) {
        if let Some(param) = self.param(name)
            && !code.is_empty()
        {
            self.terms.push(Term::Token { param, system: system.to_owned(), code: code.to_owned() });
        }
    }

    fn words(&mut self, name: &str, value: &str) {
        if let Some(param) = self.param(name)
            && !value.is_empty()
        {
            self.terms.push(Term::Text { param, value: value.to_owned() });
        }
    }

    fn uri(&mut self, name: &str, value: &str) {
        if let Some(param) = self.param(name) {
            self.terms.push(Term::Uri { param, value: value.to_owned() });
        }
    }

    /// A Reference member, absent when the target is, and the term that it is found by.
    fn link(&mut self, member: &str, name: &str, target: &str) {
        if target.is_empty() {
            return;
        }
        self.json.key(member).object(|j| j.text("reference", target));
        if let Some(param) = self.param(name) {
            self.terms.push(Term::Reference { param, target: target.to_owned() });
        }
    }

    fn active(&mut self, active: bool) {
        let text = if active { "true" } else { "false" };
        self.json.raw("active", text);
        self.token("active", BOOLEAN, text);
    }

    /// Writes the identifiers given as (use official, type code, system, value) and indexes them.
    fn identifiers(&mut self, list: &[(bool, &str, &str, &str)]) {
        self.json.array("identifier", |j| {
            for (official, kind, system, value) in list.iter().filter(|i| !i.3.is_empty()) {
                j.object(|j| {
                    if *official {
                        j.text("use", "official");
                    }
                    if !kind.is_empty() {
                        j.key("type");
                        j.object(|j| j.array("coding", |j| j.coding(&Coding::without_label(ID_TYPES, kind))));
                    }
                    j.text("system", system);
                    j.text("value", value);
                });
            }
        });
        for (_, kind, system, value) in list.iter().filter(|i| !i.3.is_empty()) {
            self.token("identifier", system, value);
            self.token("identifier-type", ID_TYPES, kind);
        }
    }

    /// Contact points and mailboxes, in one array.
    fn telecoms(&mut self, contact: Option<&Coordonnees>, boxes: &[&BoiteLettresMss]) {
        let old = contact.is_some_and(|c| !c.date_fin.is_empty());
        let plain: Vec<(&str, &str)> = contact
            .iter()
            .flat_map(|c| {
                let phones = c.telephones.iter().map(|t| ("phone", t.as_str()));
                phones.chain([("fax", c.telecopie.as_str()), ("email", c.courriel.as_str())])
            })
            .filter(|t| !t.1.is_empty())
            .collect();
        if plain.is_empty() && boxes.is_empty() {
            return;
        }
        self.json.key("telecom").out.push(b'[');
        for (system, value) in plain {
            self.json.object(|j| {
                j.text("system", system);
                j.text("value", value);
                j.text("use", if old { "old" } else { "" });
            });
        }
        self.mailboxes(boxes);
        self.json.out.push(b']');
    }

    fn mailboxes(&mut self, boxes: &[&BoiteLettresMss]) {
        let messaging = coding::system("TRE_R256");
        self.mailbox_members(boxes, messaging);
        let kinds = coding::system("TRE_R257");
        for b in boxes {
            self.words("mailbox-mss", &b.adresse);
            self.token("mailbox-mss-type", kinds, &b.type_bal);
        }
    }

    fn mailbox_members(&mut self, boxes: &[&BoiteLettresMss], messaging: &'static str) {
        for b in boxes {
            let kind = coding::in_table("TRE_R257", &b.type_bal);
            self.json.object(|j| {
                j.array("extension", |j| {
                    j.object(|j| {
                        j.text("url", &format!("{FR}fr-core-contact-point-email-type"));
                        j.key("valueCoding");
                        j.coding(&Coding::without_label(messaging, "MSSANTE"));
                    });
                    j.object(|j| {
                        j.array("extension", |j| {
                            j.object(|j| {
                                j.text("url", "type");
                                j.key("valueCodeableConcept");
                                j.object(|j| j.array("coding", |j| j.coding(&kind)));
                            });
                            j.string_extension("service", &b.service_rattachement);
                        });
                        j.text("url", &format!("{AS}as-ext-mailbox-mss-metadata"));
                    });
                });
                j.text("system", "email");
                j.text("value", &b.adresse);
            });
        }
    }

    fn finish(mut self) -> Resource {
        self.json.out.push(b'}');
        Resource {
            ty: self.ty,
            id: self.id,
            before: self.before,
            after: self.json.out,
            terms: self.terms,
            kept: None,
            standing: self.standing,
        }
    }
}

fn person_identifiers(person: &Professionnel) -> [(bool, &'static str, &'static str, &str); 2] {
    let (kind, system) = match person.type_id_nat_pp.as_str() {
        "8" => ("RPPS", RPPS),
        "0" => ("ADELI", ADELI),
        _ => ("", ""),
    };
    let number = if system.is_empty() { "" } else { person.id_pp.as_str() };
    [(true, "IDNPS", IDNPS, person.id_nat_ps.as_str()), (true, kind, system, number)]
}

/// The profiles of the directory demand an RPPS number (`identifier:rpps` 1..1). Who has none (an ADELI number, that of an
/// employer and a staff number, a student's) follows the profile of the French core alone.
fn practitioner_profile(person: &Professionnel) -> &'static str {
    if person.type_id_nat_pp == "8" && !person.id_pp.is_empty() { "practitioner" } else { "" }
}

/// Every resource of one person: a Practitioner per practice, a PractitionerRole per situation, and in the restricted
/// perimeter a Person when the civil status is known. A card or mailbox goes to the practice of the profession it names,
/// or to the first practice.
#[must_use]
pub fn person(view: View, person: &Professionnel, cards: &[CarteProfessionnel], boxes: &[BoiteLettresMss]) -> Vec<Resource> {
    let mut out = Vec::new();
    for (rank, practice) in person.exercices.iter().enumerate() {
        let mine = |profession: &str| {
            if person.exercices.iter().any(|e| e.profession == profession) {
                practice.profession == profession
            } else {
                rank == 0
            }
        };
        let cards: Vec<_> = cards.iter().filter(|c| mine(&c.profession)).collect();
        let boxes: Vec<_> = boxes.iter().chain(&person.boites_lettres).filter(|b| mine(&b.profession)).collect();
        let boxes = first_of_each(boxes);
        out.push(practitioner(view, person, practice, rank == 0, &cards, &boxes));
        out.extend(practice.situations.iter().map(|s| role(view, person, practice, s)));
    }
    if view.perimeter == Perimeter::Restricted && person.etat_civil.is_some() {
        out.push(civil_person(view, person));
    }
    out
}

/// One mailbox may be on several lines, one per place.
fn first_of_each(boxes: Vec<&BoiteLettresMss>) -> Vec<&BoiteLettresMss> {
    let mut out: Vec<&BoiteLettresMss> = Vec::new();
    for b in boxes {
        if !out.iter().any(|o| o.adresse == b.adresse) {
            out.push(b);
        }
    }
    out
}

fn practitioner(
    view: View,
    person: &Professionnel,
    practice: &ExerciceProfessionnel,
    first: bool,
    cards: &[&CarteProfessionnel],
    boxes: &[&BoiteLettresMss],
) -> Resource {
    let id = practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle);
    let mut f =
        Form::new(view, schema::PRACTITIONER, id, "fr-core-practitioner", practitioner_profile(person), &Trace::person(person));
    let r87 = coding::system("TRE_R87");
    let kind = |c: &CarteProfessionnel| match c.type_carte.as_str() {
        "00" => "CPS",
        "01" => "CPF",
        _ => "",
    };
    f.json.array("extension", |j| {
        for i in person.inscriptions.iter().filter(|i| i.profession.is_empty() || i.profession == practice.profession) {
            registration(j, i);
        }
        // 1.1.0 forbids the authorisation in public data; the file does not tie it to a practice.
        if (view.guide == Guide::V120 || view.perimeter == Perimeter::Restricted) && first {
            for a in &person.autorisations {
                j.object(|j| {
                    j.array("extension", |j| {
                        j.concept_extension("type", "TRE_R17", &a.type_autorisation);
                        j.period_extension("period", &a.date_debut, &a.date_fin);
                        j.concept_extension("field", "TRE_R18", &a.discipline_autorisee);
                        if let Some((table, c)) = Nos::embedded().profession(&a.profession) {
                            j.object(|j| {
                                j.text("url", "profession");
                                j.concept("valueCodeableConcept", &Coding::of_concept(table, c));
                            });
                        }
                    });
                    j.text("url", &format!("{AS}as-ext-practitioner-authorization"));
                });
            }
        }
        for c in cards {
            j.object(|j| {
                j.array("extension", |j| {
                    if !kind(c).is_empty() {
                        j.object(|j| {
                            j.text("url", "type");
                            j.concept("valueCodeableConcept", &Coding::without_label(r87, kind(c)));
                        });
                    }
                    j.string_extension("number", &c.numero_carte);
                    j.period_extension("period", &c.date_debut_validite, &c.date_fin_validite);
                    if !c.date_opposition.is_empty() {
                        j.object(|j| {
                            j.text("url", "oppositionDate");
                            j.text("valueDateTime", &c.date_opposition);
                        });
                    }
                });
                j.text("url", &format!("{AS}as-ext-smartcard"));
            });
        }
        if first {
            person.certificats.iter().for_each(|c| certificate(j, c));
        }
    });
    for c in cards {
        f.words("number-smartcard", &c.numero_carte);
        f.token("type-smartcard", r87, kind(c));
    }
    let mut identifiers = person_identifiers(person).to_vec();
    for other in &person.identifiants_alternatifs {
        if let Some(number) = other.id_nat_ps.strip_prefix('0') {
            identifiers.push((false, "ADELI", ADELI, number));
        }
    }
    f.identifiers(&identifiers);
    f.active(true);
    f.json.array("name", |j| {
        j.object(|j| {
            j.text("use", "usual");
            j.text("family", &practice.nom_exercice);
            for (member, value) in
                [("given", &practice.prenom_exercice), ("prefix", &person.civilite), ("suffix", &practice.civilite_exercice)]
            {
                if !value.is_empty() {
                    j.array(member, |j| j.string(value));
                }
            }
        });
    });
    f.words("family", &practice.nom_exercice);
    f.words("given", &practice.prenom_exercice);
    for part in [&practice.nom_exercice, &practice.prenom_exercice, &person.civilite, &practice.civilite_exercice] {
        f.words("name", part);
    }
    f.telecoms(person.correspondance.as_ref(), boxes);
    if let Some(c) = &person.correspondance {
        address(&mut f, &c.adresse);
    }
    if let Some(civil) = &person.etat_civil {
        f.json.text("gender", gender(&civil.sexe_administratif));
        f.json.text("birthDate", &civil.date_naissance);
    }
    qualifications(&mut f, view, person, practice, first);
    f.json.array("communication", |j| {
        for l in &person.langues {
            j.object(|j| {
                if !l.date_fin.is_empty() {
                    j.array("extension", |j| {
                        j.object(|j| {
                            j.text("url", &format!("{AS}as-ext-codeableconcept-timed-metadata"));
                            j.key("valuePeriod").object(|j| j.text("end", &l.date_fin));
                        });
                    });
                }
                j.array("coding", |j| j.coding(&coding::in_table("TRE_G00", &l.code)));
            });
        }
    });
    f.finish()
}

fn gender(sexe: &str) -> &'static str {
    match sexe {
        "M" => "male",
        "F" => "female",
        "" => "",
        _ => "unknown",
    }
}

fn registration(j: &mut Json, i: &annuaire_mos::InscriptionOrdre) {
    j.object(|j| {
        j.array("extension", |j| {
            j.concept_extension("registeringOrganization", "TRE_R60", &i.ordre);
            j.concept_extension("registeringOrganizationDetail", "TRE_G09", &i.departement);
            j.period_extension("period", &i.date_debut, &i.date_fin);
            j.concept_extension("status", "TRE_R33", &i.statut);
            j.concept_extension("hostingDepartment", "TRE_G09", &i.departement_accueil);
            if i.premiere {
                j.object(|j| {
                    j.text("url", "isFirst");
                    j.raw("valueBoolean", "true");
                });
            }
        });
        j.text("url", &format!("{AS}as-ext-registration"));
    });
}

fn certificate(j: &mut Json, c: &Certificat) {
    j.object(|j| {
        j.array("extension", |j| {
            j.string_extension("serialNumber", &c.numero);
            j.string_extension("issuer", &c.emetteur);
            j.string_extension("subject", &c.sujet);
            j.period_extension(
                "validity",
                &c.date_debut,
                if c.date_revocation.is_empty() { &c.date_fin } else { &c.date_revocation },
            );
            j.string_extension("domain", &c.domaine);
        });
        j.text("url", &format!("{AS}as-ext-digital-certificate"));
    });
}

fn qualifications(f: &mut Form, view: View, person: &Professionnel, practice: &ExerciceProfessionnel, first: bool) {
    // Codings (type, then code), start, end and issuer of each qualification, in published order.
    let mut all: Vec<(Vec<Coding<'_>>, &str, &str, &str)> = Vec::new();
    if first {
        for d in &person.diplomes {
            let codes = vec![coding::in_table("TRE_R14", &d.type_diplome), coding::diplome(&d.type_diplome, &d.code_diplome)];
            all.push((codes, &d.date_obtention, "", coding::in_table("TRE_R16", &d.lieu_formation).display));
        }
    }
    let e = practice;
    let codes = vec![coding::in_table("TRE_R09", &e.categorie_professionnelle), coding::profession(&e.profession)];
    all.push((codes, &e.date_effet_exercice, &e.date_fin_effet_exercice, ""));
    for s in &e.savoir_faire {
        // TRE_G13 (orientation particulière) left the public perimeter with guide 1.2.0.
        if view.guide == Guide::V110 || view.perimeter == Perimeter::Restricted || s.type_savoir_faire != "OP" {
            let codes =
                vec![coding::in_table("TRE_R04", &s.type_savoir_faire), coding::savoir_faire(&s.type_savoir_faire, &s.code)];
            all.push((codes, &s.date_reconnaissance, &s.date_abandon, ""));
        }
    }
    if first {
        for a in &person.attributions {
            all.push((vec![coding::in_table("TRE_R03", &a.code)], &a.date_reconnaissance, &a.date_abandon, ""));
        }
    }
    f.json.array("qualification", |j| {
        for (codings, start, end, issuer) in &all {
            j.object(|j| {
                j.key("code").object(|j| {
                    j.array("coding", |j| {
                        for c in codings.iter().filter(|c| !c.code.is_empty()) {
                            j.coding(c);
                        }
                    });
                });
                j.period("period", start, end);
                if !issuer.is_empty() {
                    j.key("issuer").object(|j| j.text("display", issuer));
                }
            });
        }
    });
    for c in all.into_iter().flat_map(|q| q.0) {
        f.token("qualification-code", c.system, c.code);
    }
}

fn role(view: View, person: &Professionnel, practice: &ExerciceProfessionnel, s: &SituationExercice) -> Resource {
    let id = role_id(&s.id_situation_exercice);
    let mut f = Form::new(view, schema::ROLE, id, "fr-core-practitioner-role", "practitionerrole", &Trace::person(person));
    f.identifiers(&[(false, "", RPPS, &s.id_situation_exercice)]);
    f.active(true);
    f.json.period("period", &s.date_debut, &s.date_fin);
    role_practitioner(&mut f, person, practice);
    if !s.structure.is_empty() {
        f.link("organization", "organization", &format!("Organization/{}", organization_id(&s.structure)));
    }
    let mut codes: Vec<Coding<'_>> = vec![
        coding::in_table("TRE_R22", &s.genre_activite),
        coding::in_table("TRE_R23", &s.mode_exercice),
        coding::in_table("TRE_R24", &s.type_activite_liberale),
        coding::in_table("TRE_R34", &s.statut_professionnel_ssa),
        coding::in_table("TRE_R32", &s.statut_hospitalier),
        coding::fonction(&s.role),
        coding::section_pharmacien(&s.section_ordre_pharmacien),
        coding::sous_section_pharmacien(&s.sous_section_ordre_pharmacien),
    ];
    codes.retain(|c| !c.code.is_empty());
    f.json.array("code", |j| {
        for c in &codes {
            j.object(|j| j.array("coding", |j| j.coding(c)));
        }
    });
    for c in &codes {
        f.token("role", c.system, c.code);
    }
    f.telecoms(s.coordonnees.as_ref(), &[]);
    f.finish()
}

fn role_practitioner(f: &mut Form, person: &Professionnel, practice: &ExerciceProfessionnel) {
    let id = practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle);
    f.link("practitioner", "practitioner", &format!("Practitioner/{id}"));
}

/// The civil identity: restricted perimeter only.
fn civil_person(view: View, p: &Professionnel) -> Resource {
    let civil = p.etat_civil.clone().unwrap_or_default();
    let mut f = Form::new(view, schema::PERSON, person_id(&p.id_nat_ps), "", "person", &Trace::person(p));
    f.json.array("extension", |j| {
        if !(civil.lieu_naissance.is_empty() && civil.commune_naissance.is_empty() && civil.pays_naissance.is_empty()) {
            j.object(|j| {
                j.text("url", &format!("{AS}as-ext-person-birth-place"));
                j.key("valueAddress").object(|j| {
                    insee_code(j, &civil.commune_naissance);
                    j.text("text", &civil.lieu_naissance);
                    j.text("country", if civil.pays_naissance == "99000" { "99100" } else { &civil.pays_naissance });
                });
            });
        }
        if !civil.date_deces.is_empty() {
            j.object(|j| {
                j.text("url", "http://hl7.org/fhir/5.0/StructureDefinition/extension-Person.deceasedDateTime");
                j.text("valueDateTime", &civil.date_deces);
            });
        }
        if !civil.statut.is_empty() {
            j.object(|j| {
                j.array("extension", |j| {
                    j.concept_extension("statutEtatCivil", "TRE_R31", &civil.statut);
                    j.date_extension("dateStatutEtatCivil", &civil.date_effet);
                });
                j.text("url", &format!("{AS}as-ext-person-statut-etat-civil"));
            });
        }
    });
    f.json.array("name", |j| {
        j.object(|j| {
            j.text("use", "official");
            j.text("family", &civil.nom_famille);
            j.array("given", |j| civil.prenoms.iter().for_each(|n| j.string(n)));
            if !p.civilite.is_empty() {
                j.array("prefix", |j| j.string(&p.civilite));
            }
        });
    });
    f.words("family", &civil.nom_famille);
    f.words("name", &civil.nom_famille);
    f.words("name", &p.civilite);
    for given in &civil.prenoms {
        f.words("given", given);
        f.words("name", given);
    }
    f.json.text("gender", gender(&civil.sexe_administratif));
    f.json.text("birthDate", &civil.date_naissance);
    f.active(civil.date_deces.is_empty());
    f.json.array("link", |j| {
        for e in &p.exercices {
            let target = format!("Practitioner/{}", practitioner_id(&p.id_nat_ps, &e.profession, &e.categorie_professionnelle));
            j.object(|j| {
                j.key("target").object(|j| j.text("reference", &target));
            });
        }
    });
    f.finish()
}

/// The Organization of one structure.
#[must_use]
pub fn structure(view: View, s: &Structure, boxes: &[BoiteLettresMss]) -> Resource {
    let id = organization_id(&s.id_technique);
    // FINESS numbers and describes the entity; otherwise the professionals' registry does.
    let finess = !s.categorie_etablissement.is_empty() || !s.statut_juridique.is_empty() || !s.date_ouverture.is_empty();
    let trace = Trace {
        authority: &s.autorite_enregistrement,
        system: if finess && !s.num_finess.is_empty() { "FINESS" } else { "RPPS" },
        date: &s.date_maj,
    };
    let mut f = Form::new(view, schema::ORGANIZATION, id, "fr-core-organization", "organization", &trace);
    f.json.array("extension", |j| {
        if !(s.date_ouverture.is_empty() && s.date_fermeture.is_empty()) {
            j.object(|j| {
                j.text("url", &format!("{R4}organization-period"));
                j.period("valuePeriod", &s.date_ouverture, &s.date_fermeture);
            });
        }
        for licence in &s.licences_officine {
            j.string_extension(&format!("{AS}as-ext-organization-pharmacy-licence"), licence);
        }
        if !s.mode_fixation_tarifaire.is_empty() {
            j.concept_extension(&format!("{AS}as-ext-organization-pricing-model"), "TRE_R74", &s.mode_fixation_tarifaire);
        }
        j.string_extension(&format!("{AS}as-ext-organization-budget-type"), &s.types_budget.join(" "));
        s.certificats.iter().for_each(|c| certificate(j, c));
    });
    if let Some(param) = f.param("period") {
        for (param, value) in [(param, &s.date_ouverture), (schema::PERIOD_END, &s.date_fermeture)] {
            if !value.is_empty() {
                f.terms.push(Term::Text { param, value: value.clone() });
            }
        }
    }
    for licence in &s.licences_officine {
        f.words("pharmacy-licence", licence);
    }
    f.identifiers(&structure_identifiers(view.guide, s));
    f.active(!s.ferme);
    organization_types(&mut f, view, s);
    f.json.text("name", &s.raison_sociale);
    f.words("name", &s.raison_sociale);
    if !s.enseigne_commerciale.is_empty() && s.enseigne_commerciale != s.raison_sociale {
        f.json.array("alias", |j| j.string(&s.enseigne_commerciale));
        f.words("name", &s.enseigne_commerciale);
    }
    let contact = Coordonnees {
        telephones: s.telephones.clone(),
        telecopie: s.telecopie.clone(),
        courriel: s.courriel.clone(),
        ..Default::default()
    };
    f.telecoms(Some(&contact), &first_of_each(boxes.iter().collect()));
    address(&mut f, &s.adresse);
    if let Some(legal) = legal_entity(s) {
        f.link("partOf", "partof", &format!("Organization/{}", organization_id(&legal)));
    }
    f.finish()
}

/// Technical identifier of the legal entity that a structure is part of.
#[must_use]
pub fn legal_entity(s: &Structure) -> Option<String> {
    (!s.num_finess_ej.is_empty() && !s.entite_juridique).then(|| format!("F{}", s.num_finess_ej))
}

/// Technical identifier of the structure that carries out an activity, empty when it is not known.
fn owner(a: &Activite) -> String {
    if a.num_finess.is_empty() { String::new() } else { format!("F{}", a.num_finess) }
}

/// Technical identifiers of the structures that [`activity`] points to.
pub fn owners(a: &ActiviteAutorisee) -> impl Iterator<Item = String> {
    let numbered = |x: &&Activite| {
        let arhgos = [&x.num_autorisation_arhgos, &a.autorisee.num_autorisation_arhgos];
        !needs_arhgos(x) || arhgos.iter().any(|number| !number.is_empty())
    };
    a.exercees.iter().filter(numbered).map(owner).filter(|owner| !owner.is_empty())
}

/// Whether the profile of an activity requires its ARHGOS number.
fn needs_arhgos(a: &Activite) -> bool {
    a.nature == "EML" || is_care(&a.nature)
}

/// A structure that others point to and that no source describes: its number, as they name it. `legal` when it is named as a
/// legal entity.
#[must_use]
pub fn named_structure(view: View, id_technique: &str, legal: bool) -> Resource {
    let mut s = Structure { id_technique: id_technique.to_owned(), entite_juridique: legal, ..Default::default() };
    let (kind, number) = id_technique.split_at_checked(1).unwrap_or_default();
    match (kind, number.len()) {
        ("F", _) => number.clone_into(&mut s.num_finess),
        ("R", _) => number.clone_into(&mut s.rpps_rang),
        ("C", 14) => number.clone_into(&mut s.num_siret),
        ("C", _) => s.id_nat_struct = format!("0{number}"),
        // An organization has an identifier or a name (invariant org-1).
        _ => id_technique.clone_into(&mut s.raison_sociale),
    }
    let id = organization_id(id_technique);
    let mut f = Form::new(view, schema::ORGANIZATION, id, "fr-core-organization", "organization", &Trace::default());
    f.standing = Standing::Named;
    f.identifiers(&structure_identifiers(view.guide, &s));
    f.active(true);
    organization_types(&mut f, view, &s);
    f.json.text("name", &s.raison_sociale);
    f.words("name", &s.raison_sociale);
    f.finish()
}

fn organization_types(f: &mut Form, view: View, s: &Structure) {
    let nature = if s.entite_juridique { "LEGAL-ENTITY" } else { "GEOGRAPHICAL-ENTITY" };
    let mut types = vec![
        ("organizationType", Coding::without_label(STRUCTURE_TYPES, nature)),
        ("secteurActiviteRASS", coding::in_table("TRE_R02", &s.secteur_activite)),
        // The category carries no extension naming its slice.
        ("", coding::in_table("TRE_R66", &s.categorie_etablissement)),
        ("statutJuridiqueINSEE", coding::in_table("TRE_R72", &s.statut_juridique)),
        ("sphParticipation", coding::in_table("TRE_R73", &s.participation_sph)),
    ];
    // Files write the class with or without its dot, the terminology with it.
    let ape;
    if view.guide == Guide::V110 {
        ape = match s.code_ape.split_at_checked(2) {
            Some((head, tail)) if !tail.starts_with('.') => format!("{head}.{tail}"),
            _ => s.code_ape.clone(),
        };
        types.push(("activiteINSEE", coding::in_table("TRE_R75", &ape)));
    }
    types.retain(|t| !t.1.code.is_empty());
    f.json.array("type", |j| {
        for (slice, code) in &types {
            j.object(|j| {
                if !slice.is_empty() {
                    j.array("extension", |j| {
                        j.object(|j| {
                            j.text("url", &format!("{AS}as-ext-organization-types"));
                            j.text("valueCode", slice);
                        });
                    });
                }
                j.array("coding", |j| j.coding(code));
            });
        }
    });
    for (_, code) in &types {
        f.token("type", code.system, code.code);
    }
}

fn structure_identifiers(guide: Guide, s: &Structure) -> Vec<(bool, &'static str, &'static str, &str)> {
    let rang = s.id_nat_struct.strip_prefix('4').filter(|r| r.len() == 14).unwrap_or(&s.rpps_rang);
    vec![
        (true, "IDNST", IDNST, &s.id_nat_struct),
        (false, if s.entite_juridique { "FINEJ" } else { "FINEG" }, FINESS, &s.num_finess),
        (false, "SIREN", SIRENE, &s.num_siren),
        (false, "SIRET", SIRENE, &s.num_siret),
        (false, guide.rpps_rang_type(), RPPS_RANG, rang),
    ]
}

fn insee_code(j: &mut Json, commune: &str) {
    if !commune.is_empty() {
        j.array("extension", |j| {
            j.object(|j| {
                j.text("url", &format!("{FR}fr-core-address-insee-code"));
                j.key("valueCoding");
                j.coding(&Coding::without_label(COMMUNES, commune));
            });
        });
    }
}

fn address(f: &mut Form, a: &Adresse) {
    let (code, town) = a.bureau();
    let city = if a.localite.is_empty() { town } else { a.localite.as_str() };
    let code = if a.code_postal.is_empty() { code } else { a.code_postal.as_str() };
    let street = [&a.numero_voie, &a.extension, &a.type_voie, &a.libelle_voie]
        .into_iter()
        .filter(|p| !p.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    if city.is_empty() && street.is_empty() && code.is_empty() {
        return;
    }
    let district = match a.cog_commune.get(..2) {
        Some("97" | "98") => a.cog_commune.get(..3).unwrap_or(""),
        Some(d) => d,
        None => "",
    };
    // Files write 99000 or nothing for France; the guide's value set says 99100.
    let country = match a.pays.as_str() {
        "99000" => "99100",
        "" if !a.cog_commune.is_empty() => "99100",
        other => other,
    };
    f.json.array("address", |j| {
        j.object(|j| {
            insee_code(j, &a.cog_commune);
            let parts = [
                ("careOf", &a.point_remise),
                ("additionalLocator", &a.complement_point_geographique),
                ("houseNumber", &a.numero_voie),
                ("buildingNumberSuffix", &a.extension),
                ("streetNameType", &a.type_voie),
                ("streetNameBase", &a.libelle_voie),
                ("postBox", &a.mention_distribution),
            ];
            if !street.is_empty() {
                j.array("line", |j| j.string(&street));
            }
            if parts.iter().any(|p| !p.1.is_empty()) || !a.lieu_dit.is_empty() {
                j.array("_line", |j| {
                    j.object(|j| {
                        j.array("extension", |j| {
                            for (part, value) in parts {
                                j.string_extension(&format!("{ADXP}{part}"), value);
                            }
                            j.string_extension(&format!("{AS}as-ext-lieu-dit"), &a.lieu_dit);
                        });
                    });
                });
            }
            j.text("city", city);
            j.text("district", district);
            j.text("postalCode", code);
            j.text("country", country);
        });
    });
    f.words("address-city", city);
    f.words("address-postalcode", code);
    f.words("address-line", &street);
    f.words("address-insee", &a.cog_commune);
    for part in [city, code, &street, district, country] {
        f.words("address", part);
    }
}

/// The resources of one authorised activity: a HealthcareService or a Device for each establishment that carries it out,
/// completed by what only the authorised level says. Nothing for an activity that nobody carries out yet, nor for a care
/// activity without ARHGOS number, which the profile requires.
#[must_use]
pub fn activity(view: View, a: &ActiviteAutorisee) -> Vec<Resource> {
    let authorised = &a.autorisee;
    let complete = |x: &Activite| {
        let or = |mine: &str, hers: &str| if mine.is_empty() { hers.to_owned() } else { mine.to_owned() };
        Activite {
            num_autorisation_arhgos: or(&x.num_autorisation_arhgos, &authorised.num_autorisation_arhgos),
            marque: or(&x.marque, &authorised.marque),
            numero_serie: or(&x.numero_serie, &authorised.numero_serie),
            date_autorisation: or(&x.date_autorisation, &authorised.date_autorisation),
            date_fin: or(&x.date_fin, &authorised.date_fin),
            age_min: or(&x.age_min, &authorised.age_min),
            age_max: or(&x.age_max, &authorised.age_max),
            capacite: x.capacite.or(authorised.capacite),
            capacite_habilitee: x.capacite_habilitee.or(authorised.capacite_habilitee),
            ..x.clone()
        }
    };
    a.exercees.iter().map(complete).filter_map(|x| one_activity(view, &x)).collect()
}

/// Whether the nature of an activity is care, which has an ARHGOS number.
fn is_care(nature: &str) -> bool {
    matches!(nature, "AMF" | "AMM" | "AASA" | "ASR")
}

fn one_activity(view: View, a: &Activite) -> Option<Resource> {
    let trace = Trace { authority: "", system: "FINESS", date: &a.date_maj };
    let arhgos = a.num_autorisation_arhgos.as_str();
    let device = a.nature == "EML";
    let care = is_care(&a.nature);
    if arhgos.is_empty() && needs_arhgos(a) {
        return None;
    }
    let mut f = if device {
        Form::new(view, schema::DEVICE, device_id(&a.id), "", "device", &trace)
    } else {
        let profile = if care { "healthcareservice-healthcare-activity" } else { "healthcareservice-social-equipment" };
        Form::new(view, schema::SERVICE, service_id(&a.id), "", profile, &trace)
    };
    f.json.array("extension", |j| {
        j.object(|j| {
            j.array("extension", |j| {
                j.date_extension("dateAuthorization", &a.date_autorisation);
                j.period_extension("periodAuthorization", &a.date_mise_en_oeuvre, &a.date_fin);
                j.date_extension("dateUpdateAuthorization", &a.date_maj);
                j.object(|j| {
                    j.text("url", "deletedAuthorization");
                    j.raw("valueBoolean", if a.inactive { "true" } else { "false" });
                });
            });
            j.text("url", &format!("{AS}as-ext-authorization"));
        });
        if !device && !care {
            social_extensions(j, a);
        }
    });
    if device || care {
        f.identifiers(&[(false, "", ARHGOS, arhgos)]);
    }
    let owner = owner(a);
    let owner = if owner.is_empty() { owner } else { format!("Organization/{}", organization_id(&owner)) };
    if device {
        let status = if a.inactive { "inactive" } else { "active" };
        f.json.text("status", status);
        f.token("status", DEVICE_STATUS, status);
        f.json.text("manufacturer", &a.marque);
        f.words("manufacturer", &a.marque);
        f.json.text("serialNumber", &a.numero_serie);
        // FINESS+ gives an internal number whose table is not published with the others: only national codes pass.
        if let Some((table, c)) = Nos::embedded().table("TRE_R272").and_then(|t| Some((t, t.get(&a.activite)?))) {
            f.json.concept("type", &Coding::of_concept(table, c));
            f.token("type", &table.system, &c.code);
        }
        f.link("owner", "organization", &owner);
    } else {
        f.active(!a.inactive);
        f.link("providedBy", "organization", &owner);
        let tables: [&str; 3] = if care { ["TRE_R275", "TRE_R274", "TRE_R276"] } else { ["", "TRE_R401", "TRE_R209"] };
        let members = [("category", "service-category"), ("type", "service-type"), ("characteristic", "characteristic")];
        let codes = [&a.modalite, &a.activite, &a.forme];
        for (((member, param), table), code) in members.into_iter().zip(tables).zip(codes) {
            if table.is_empty() || code.is_empty() {
                continue;
            }
            if member == "characteristic" && !care {
                eligibility(&mut f, a);
            }
            // The tables of AMM codes, of R347, R402… are not published with the others, nor are their names, so that nobody
            // knows their system. The bindings of care are required, and its category and form have no other codings; a type,
            // whose slices are open, and what is social, whose bindings are extensible, say the code in words.
            match Nos::embedded().table(table).and_then(|t| Some((t, t.get(code)?))) {
                Some((t, c)) => {
                    f.json.array(member, |j| {
                        j.object(|j| j.array("coding", |j| j.coding(&Coding { system: &t.system, code, display: &c.label })))
                    });
                    f.token(param, &t.system, code);
                }
                None if member == "type" || !care => f.json.array(member, |j| j.object(|j| j.text("text", code))),
                None => {}
            }
        }
    }
    Some(f.finish())
}

fn eligibility(f: &mut Form, a: &Activite) {
    if !a.public.is_empty() {
        let known = Nos::embedded().table("TRE_R403").and_then(|t| Some((t, t.get(&a.public)?)));
        f.json.array("eligibility", |j| {
            j.object(|j| match known {
                Some((t, c)) => j.concept("code", &Coding::of_concept(t, c)),
                None => j.key("code").object(|j| j.text("text", &a.public)),
            });
        });
    }
}

fn social_extensions(j: &mut Json, a: &Activite) {
    if !a.date_installation.is_empty() {
        j.object(|j| {
            j.array("extension", |j| j.date_extension("dateLastInstallation", &a.date_installation));
            j.text("url", &format!("{AS}as-ext-installation"));
        });
    }
    if !(a.age_min.is_empty() && a.age_max.is_empty()) {
        j.object(|j| {
            j.array("extension", |j| {
                j.object(|j| {
                    j.text("url", "authorizedAgeRange");
                    j.key("valueRange").object(|j| {
                        for (member, age) in [("low", &a.age_min), ("high", &a.age_max)] {
                            if !age.is_empty() {
                                j.key(member).object(|j| {
                                    j.raw("value", age);
                                    j.text("unit", "an");
                                    j.text("system", "http://unitsofmeasure.org");
                                    j.text("code", "a");
                                });
                            }
                        }
                    });
                });
            });
            j.text("url", &format!("{AS}as-ext-patient-type"));
        });
    }
    let places = [
        ("capacityAvailable", a.capacite),
        ("socialAssistanceCapacityAvailable", a.capacite_habilitee),
        ("installedCapacity", a.capacite_installee),
        ("socialAssistanceInstalledCapacity", a.capacite_installee_habilitee),
    ];
    if places.iter().any(|p| p.1.is_some()) {
        j.object(|j| {
            j.array("extension", |j| {
                for (url, places) in places.iter().filter_map(|(u, p)| Some((u, (*p)?))) {
                    j.object(|j| {
                        j.text("url", url);
                        j.raw("valueInteger", &places.to_string());
                    });
                }
            });
            j.text("url", &format!("{AS}as-ext-supported-capacity"));
        });
    }
}

/// Reduced form of a withdrawn practice: identifiers and `active=false` (fhir-api §11).
#[must_use]
pub fn inactive_practitioner(view: View, person: &Professionnel, practice: &ExerciceProfessionnel) -> Resource {
    let id = practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle);
    let mut f =
        Form::new(view, schema::PRACTITIONER, id, "fr-core-practitioner", practitioner_profile(person), &Trace::default());
    f.identifiers(&person_identifiers(person));
    f.active(false);
    f.finish()
}

/// Reduced form of an ended situation. The practitioner stays: R4 clients follow it and the profile requires it.
#[must_use]
pub fn inactive_role(view: View, person: &Professionnel, practice: &ExerciceProfessionnel, s: &SituationExercice) -> Resource {
    let id = role_id(&s.id_situation_exercice);
    let mut f = Form::new(view, schema::ROLE, id, "fr-core-practitioner-role", "practitionerrole", &Trace::default());
    f.identifiers(&[(false, "", RPPS, &s.id_situation_exercice)]);
    f.active(false);
    role_practitioner(&mut f, person, practice);
    f.finish()
}

/// Reduced form of a person who left the restricted perimeter.
#[must_use]
pub fn inactive_person(view: View, p: &Professionnel) -> Resource {
    let mut f = Form::new(view, schema::PERSON, person_id(&p.id_nat_ps), "", "person", &Trace::default());
    f.active(false);
    f.finish()
}

/// Reduced form of a withdrawn structure: identifiers, name, `active=false`.
#[must_use]
pub fn inactive_structure(view: View, s: &Structure) -> Resource {
    let id = organization_id(&s.id_technique);
    let mut f = Form::new(view, schema::ORGANIZATION, id, "fr-core-organization", "organization", &Trace::default());
    f.identifiers(&structure_identifiers(view.guide, s));
    f.active(false);
    f.json.text("name", &s.raison_sociale);
    f.words("name", &s.raison_sociale);
    f.finish()
}

/// Reduced forms of a withdrawn activity: the ARHGOS number and the state.
#[must_use]
pub fn inactive_activity(view: View, a: &ActiviteAutorisee) -> Vec<Resource> {
    let one = |x: &Activite| {
        let number =
            if x.num_autorisation_arhgos.is_empty() { &a.autorisee.num_autorisation_arhgos } else { &x.num_autorisation_arhgos };
        let (device, care) = (x.nature == "EML", is_care(&x.nature));
        if number.is_empty() && (device || care) {
            return None;
        }
        let profile = match (device, care) {
            (true, _) => "device",
            (_, true) => "healthcareservice-healthcare-activity",
            _ => "healthcareservice-social-equipment",
        };
        let (ty, id) = if device { (schema::DEVICE, device_id(&x.id)) } else { (schema::SERVICE, service_id(&x.id)) };
        let mut f = Form::new(view, ty, id, "", profile, &Trace::default());
        if device || care {
            f.identifiers(&[(false, "", ARHGOS, number)]);
        }
        if device {
            f.json.text("status", "inactive");
            f.token("status", DEVICE_STATUS, "inactive");
        } else {
            f.active(false);
        }
        Some(f.finish())
    };
    a.exercees.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(r: &Resource) -> serde_json::Value {
        serde_json::from_slice(&[&r.before[..], b"\"versionId\":\"1\",", &r.after].concat()).unwrap()
    }

    const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };

    fn of_profession(type_id: &str, profession: &str) -> Professionnel {
        Professionnel {
            type_id_nat_pp: type_id.into(),
            id_pp: "10999000003".into(),
            id_nat_ps: format!("{type_id}10999000003"),
            exercices: vec![ExerciceProfessionnel {
                profession: profession.into(),
                nom_exercice: "A".into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_psychologist_is_published_and_found_from_the_table_of_titles() {
        let all = person(PUBLIC, &of_profession("8", "93"), &[], &[]);
        let system = "https://mos.esante.gouv.fr/NOS/TRE_R95-UsagerTitre/FHIR/TRE-R95-UsagerTitre";
        assert_eq!(json(&all[0])["qualification"][0]["code"]["coding"][0]["system"], system);
        let param = schema::param("Practitioner", "qualification-code").unwrap().id;
        assert!(all[0].terms.contains(&Term::Token { param, system: system.into(), code: "93".into() }));
    }

    #[test]
    fn who_has_no_rpps_number_claims_no_profile_that_demands_one() {
        for (kind, profiles) in [("8", 2), ("0", 1), ("3", 1), ("4", 1), ("5", 1), ("", 1)] {
            let p = of_profession(kind, "10");
            for r in person(PUBLIC, &p, &[], &[]).iter().chain([&inactive_practitioner(PUBLIC, &p, &p.exercices[0])]) {
                assert_eq!(json(r)["meta"]["profile"].as_array().unwrap().len(), profiles, "{kind}");
            }
        }
    }

    #[test]
    fn the_sixth_line_says_code_and_town_when_nothing_else_does() {
        let of = |bureau: &str, code: &str, town: &str| {
            let adresse =
                Adresse { bureau_cedex: bureau.into(), code_postal: code.into(), localite: town.into(), ..Default::default() };
            let r = structure(PUBLIC, &Structure { id_technique: "F990000019".into(), adresse, ..Default::default() }, &[]);
            let a = json(&r)["address"][0].clone();
            [a["postalCode"].clone(), a["city"].clone()].map(|v| v.as_str().unwrap_or("").to_owned())
        };
        assert_eq!(of("99123 VILLE CEDEX 9", "", ""), ["99123", "VILLE CEDEX 9"]);
        assert_eq!(of("99123 VILLE CEDEX 9", "99000", "VILLE"), ["99000", "VILLE"]);
        assert_eq!(of("99123", "", ""), ["99123", ""]);
        assert_eq!(of("GIBRALTAR", "", ""), ["", "GIBRALTAR"]);
        assert_eq!(of("991234 VILLE", "", ""), ["", "991234 VILLE"]);
    }

    #[test]
    fn a_code_without_a_known_system_is_not_coded() {
        let of = |nature: &str, activite: &str, modalite: &str, forme: &str| {
            let x = Activite {
                id: "1".into(),
                nature: nature.into(),
                num_finess: "990000019".into(),
                num_autorisation_arhgos: "99-99-48001".into(),
                activite: activite.into(),
                modalite: modalite.into(),
                forme: forme.into(),
                public: "XX".into(),
                ..Default::default()
            };
            let all = activity(PUBLIC, &ActiviteAutorisee { exercees: vec![x], ..Default::default() });
            json(&all[0])
        };
        let amm = of("AMM", "QA014", "MO030", "ME000");
        assert_eq!(amm["type"], serde_json::json!([{"text": "QA014"}]));
        assert_eq!((&amm["category"], &amm["characteristic"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        let care = of("AMF", "01", "00", "01");
        for member in ["type", "category", "characteristic"] {
            assert!(
                care[member][0]["coding"][0]["system"].as_str().unwrap().starts_with("https://mos.esante.gouv.fr/NOS/"),
                "{member}"
            );
        }
        let social = of("AMSR", "844", "", "ZZ");
        assert_eq!(social["characteristic"], serde_json::json!([{"text": "ZZ"}]));
        assert_eq!(social["eligibility"], serde_json::json!([{"code": {"text": "XX"}}]));
        assert!(social["type"][0]["coding"][0]["system"].as_str().unwrap().contains("r401"));
    }
}
