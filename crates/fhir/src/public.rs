//! The public perimeter (données publiques, profiles `as-dp-*`).

use crate::{Guide, schema, write::Json};
use annuaire_index::{Resource, Term};
use annuaire_mos::{
    Adresse, BoiteLettresMss, CarteProfessionnel, ExerciceProfessionnel, Professionnel, SituationExercice, Structure,
};
use annuaire_nos::Nos;

const AS: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/";
const FR: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/";
const ID_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
const STRUCTURE_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307";
const IDNPS: &str = "urn:oid:1.2.250.1.71.4.2.1";
const IDNST: &str = "urn:oid:1.2.250.1.71.4.2.2";
const RPPS: &str = "https://rpps.esante.gouv.fr";
const ADELI: &str = "https://adeli.esante.gouv.fr";
const FINESS: &str = "https://finess.esante.gouv.fr";
const SIRENE: &str = "https://sirene.fr";
const RPPS_RANG: &str = "https://rppsrang.esante.gouv.fr";
const ADXP: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-";
const BOOLEAN: &str = "http://hl7.org/fhir/ValueSet/special-values";
const COMMUNES: &str = "https://mos.esante.gouv.fr/NOS/TRE_R13-Commune/FHIR/TRE-R13-Commune";

/// A resource under construction: its bytes and the terms it is found by.
struct Form {
    ty: &'static str,
    id: String,
    before: Vec<u8>,
    json: Json,
    terms: Vec<Term>,
}

impl Form {
    /// Opens the resource and writes everything that precedes the version and date stamped by the store.
    fn new(guide: Guide, ty: &'static str, id: String, core: &str, profile: &str, system: &str, authority: &str) -> Self {
        let mut form = Self { ty, id, before: Vec::new(), json: Json::default(), terms: Vec::new() };
        let authority = if authority.is_empty() { None } else { Nos::embedded().autorite(authority) };
        let mut head = Json::default();
        head.out.push(b'{');
        head.text("resourceType", ty);
        head.text("id", &form.id);
        head.key("meta");
        head.out.push(b'{');
        if !system.is_empty() {
            let (r60, label) = concept("TRE_R60", authority.unwrap_or(""));
            head.array("extension", |j| {
                j.object(|j| {
                    j.array("extension", |j| {
                        if let Some(code) = authority {
                            j.object(|j| {
                                j.text("url", "autorite-enregistrement");
                                j.key("valueCodeableConcept");
                                j.object(|j| j.array("coding", |j| j.coding(&r60, code, &label)));
                            });
                        }
                        j.object(|j| {
                            j.text("url", "systeme-information");
                            j.text("valueCode", system);
                        });
                    });
                    j.text("url", &format!("{AS}as-ext-data-trace"));
                });
            });
            head.out.push(b',');
            form.token("data-information-system", "", system);
            if let Some(code) = authority {
                form.token("data-registration-authority", &r60, code);
            }
        }
        form.before = head.out;
        form.json.out.extend_from_slice(b"");
        form.json.text("source", guide.source());
        let own = format!("{AS}{profile}");
        form.json.array("profile", |j| {
            if !core.is_empty() {
                j.string(&format!("{FR}{core}{}", guide.core_suffix()));
            }
            j.string(&format!("{own}{}", guide.guide_suffix()));
        });
        if !core.is_empty() {
            form.uri("_profile", &format!("{FR}{core}"));
        }
        form.uri("_profile", &own);
        form.json.out.push(b'}');
        form.json.text("language", "fr");
        form
    }

    fn param(&self, name: &str) -> Option<u8> {
        schema::param(self.ty, name).map(|p| p.id)
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

    fn reference(&mut self, name: &str, target: &str) {
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
                        j.object(|j| j.array("coding", |j| j.coding(ID_TYPES, kind, "")));
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

    fn mailboxes(&mut self, boxes: &[&BoiteLettresMss]) {
        let (messaging, _) = concept("TRE_R256", "MSSANTE");
        self.mailbox_members(boxes, &messaging);
        let (kinds, _) = concept("TRE_R257", "PER");
        for b in boxes {
            self.words("mailbox-mss", &b.adresse);
            self.token("mailbox-mss-type", &kinds, &b.type_bal);
        }
    }

    fn mailbox_members(&mut self, boxes: &[&BoiteLettresMss], messaging: &str) {
        for b in boxes {
            let (kinds, label) = concept("TRE_R257", &b.type_bal);
            self.json.object(|j| {
                j.array("extension", |j| {
                    j.object(|j| {
                        j.text("url", &format!("{FR}fr-core-contact-point-email-type"));
                        j.key("valueCoding");
                        j.coding(messaging, "MSSANTE", "");
                    });
                    j.object(|j| {
                        j.array("extension", |j| {
                            j.object(|j| {
                                j.text("url", "type");
                                j.key("valueCodeableConcept");
                                j.object(|j| j.array("coding", |j| j.coding(&kinds, &b.type_bal, &label)));
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
            ty: schema::type_id(self.ty).unwrap_or_default(),
            id: self.id,
            before: self.before,
            after: self.json.out,
            terms: self.terms,
        }
    }
}

/// System and label of a code; an unknown code keeps its table's system and has no label.
fn concept(table: &str, code: &str) -> (String, String) {
    Nos::embedded()
        .table(table)
        .map_or_else(Default::default, |t| (t.system.clone(), t.get(code).map(|c| c.label.clone()).unwrap_or_default()))
}

/// A technical id out of a business key: letters, digits, dash and dot pass, anything else becomes `.`.
fn technical(prefix: &str, parts: &[&str]) -> String {
    let mut id = String::from(prefix);
    for part in parts {
        id.push('-');
        id.extend(part.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' }));
    }
    id.truncate(64);
    id
}

/// Id of the Practitioner of one practice: the same after a rebuild and on another machine.
#[must_use]
pub fn practitioner_id(id_nat_ps: &str, profession: &str, categorie: &str) -> String {
    technical("003", &[id_nat_ps, profession, categorie])
}

/// Id of the PractitionerRole of one situation.
#[must_use]
pub fn role_id(id_situation: &str) -> String {
    technical("005", &[id_situation])
}

/// Id of the Organization of one structure.
#[must_use]
pub fn organization_id(id_technique: &str) -> String {
    technical("001", &[id_technique])
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

/// Every public resource of one person: a Practitioner per practice, a PractitionerRole per situation.
/// A card or mailbox goes to the practice of the profession it names, or to the first practice.
#[must_use]
pub fn person(guide: Guide, person: &Professionnel, cards: &[CarteProfessionnel], boxes: &[BoiteLettresMss]) -> Vec<Resource> {
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
        let boxes: Vec<_> = boxes.iter().filter(|b| mine(&b.profession)).collect();
        out.push(practitioner(guide, person, practice, rank == 0, &cards, &boxes));
        out.extend(practice.situations.iter().map(|s| role(guide, person, practice, s)));
    }
    out
}

fn practitioner(
    guide: Guide,
    person: &Professionnel,
    practice: &ExerciceProfessionnel,
    first: bool,
    cards: &[&CarteProfessionnel],
    boxes: &[&BoiteLettresMss],
) -> Resource {
    let id = practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle);
    let mut f = Form::new(
        guide,
        "Practitioner",
        id,
        "fr-core-practitioner",
        "as-dp-practitioner",
        "RPPS",
        &person.autorite_enregistrement,
    );
    let nos = Nos::embedded();
    let (r17, _) = concept("TRE_R17", "");
    let (r18, _) = concept("TRE_R18", "");
    let (r87, _) = concept("TRE_R87", "");
    let kind = |c: &CarteProfessionnel| match c.type_carte.as_str() {
        "00" => "CPS",
        "01" => "CPF",
        _ => "",
    };
    f.json.array("extension", |j| {
        // 1.1.0 forbids the authorisation in public data; the file does not tie it to a practice.
        if guide == Guide::V120 && first {
            for a in &person.autorisations {
                j.object(|j| {
                    j.array("extension", |j| {
                        for (url, table, system, code) in
                            [("type", "TRE_R17", &r17, &a.type_autorisation), ("field", "TRE_R18", &r18, &a.discipline_autorisee)]
                        {
                            if !code.is_empty() {
                                j.object(|j| {
                                    j.text("url", url);
                                    j.key("valueCodeableConcept");
                                    j.object(|j| j.array("coding", |j| j.coding(system, code, &concept(table, code).1)));
                                });
                            }
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
                            j.key("valueCodeableConcept");
                            j.object(|j| j.array("coding", |j| j.coding(&r87, kind(c), "")));
                        });
                    }
                    j.string_extension("number", &c.numero_carte);
                    if !(c.date_debut_validite.is_empty() && c.date_fin_validite.is_empty()) {
                        j.object(|j| {
                            j.text("url", "period");
                            j.key("valuePeriod");
                            j.object(|j| {
                                j.text("start", &c.date_debut_validite);
                                j.text("end", &c.date_fin_validite);
                            });
                        });
                    }
                });
                j.text("url", &format!("{AS}as-ext-smartcard"));
            });
        }
    });
    for c in cards {
        f.words("number-smartcard", &c.numero_carte);
        f.token("type-smartcard", &r87, kind(c));
    }
    f.identifiers(&person_identifiers(person));
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
    if !boxes.is_empty() {
        f.json.key("telecom").out.push(b'[');
        f.mailboxes(boxes);
        f.json.out.push(b']');
    }
    // (type system, type code, type label, system, code, label) of each qualification, in published order.
    let mut qualifications: Vec<[(String, String, String); 2]> = Vec::new();
    let mut pair = |table: &str, kind: &str, found: Option<(String, String)>, code: &str| {
        let (system, label) = concept(table, kind);
        let (code_system, code_label) = found.unwrap_or_default();
        qualifications.push([(system, kind.to_owned(), label), (code_system, code.to_owned(), code_label)]);
    };
    let named =
        |found: Option<(&annuaire_nos::Table, &annuaire_nos::Concept)>| found.map(|(t, c)| (t.system.clone(), c.label.clone()));
    if first {
        for d in &person.diplomes {
            pair("TRE_R14", &d.type_diplome, named(nos.diplome(&d.type_diplome, &d.code_diplome)), &d.code_diplome);
        }
    }
    pair("TRE_R09", &practice.categorie_professionnelle, named(nos.profession(&practice.profession)), &practice.profession);
    for s in &practice.savoir_faire {
        // TRE_G13 (orientation particulière) left the public perimeter with guide 1.2.0.
        if guide == Guide::V110 || s.type_savoir_faire != "OP" {
            pair("TRE_R04", &s.type_savoir_faire, named(nos.savoir_faire(&s.type_savoir_faire, &s.code)), &s.code);
        }
    }
    f.json.array("qualification", |j| {
        for codings in &qualifications {
            j.object(|j| {
                j.key("code");
                j.object(|j| {
                    j.array("coding", |j| {
                        for (system, code, label) in codings.iter().filter(|c| !c.1.is_empty()) {
                            j.coding(system, code, label);
                        }
                    });
                });
            });
        }
    });
    for (system, code, _) in qualifications.into_iter().flatten() {
        f.token("qualification-code", &system, &code);
    }
    f.finish()
}

fn role(guide: Guide, person: &Professionnel, practice: &ExerciceProfessionnel, s: &SituationExercice) -> Resource {
    let mut f = Form::new(
        guide,
        "PractitionerRole",
        role_id(&s.id_situation_exercice),
        "fr-core-practitioner-role",
        "as-dp-practitionerrole",
        "RPPS",
        &person.autorite_enregistrement,
    );
    f.identifiers(&[(false, "", RPPS, &s.id_situation_exercice)]);
    f.active(true);
    let practitioner =
        format!("Practitioner/{}", practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle));
    f.json.key("practitioner").object(|j| j.text("reference", &practitioner));
    f.reference("practitioner", &practitioner);
    if !s.structure.is_empty() {
        let organization = format!("Organization/{}", organization_id(&s.structure));
        f.json.key("organization").object(|j| j.text("reference", &organization));
        f.reference("organization", &organization);
    }
    let nos = Nos::embedded();
    let mut codes: Vec<(String, &str, String)> = Vec::new();
    for (table, code) in [("TRE_R22", &s.genre_activite), ("TRE_R23", &s.mode_exercice)] {
        let (system, label) = concept(table, code);
        codes.push((system, code, label));
    }
    for (found, code) in
        [(nos.fonction(&s.role), &s.role), (nos.section_pharmacien(&s.section_ordre_pharmacien), &s.section_ordre_pharmacien)]
    {
        let (system, label) = found.map(|(t, c)| (t.system.clone(), c.label.clone())).unwrap_or_default();
        codes.push((system, code, label));
    }
    codes.retain(|c| !c.1.is_empty());
    f.json.array("code", |j| {
        for (system, code, label) in &codes {
            j.object(|j| j.array("coding", |j| j.coding(system, code, label)));
        }
    });
    for (system, code, _) in &codes {
        f.token("role", system, code);
    }
    f.finish()
}

/// The public Organization of one structure.
#[must_use]
pub fn structure(guide: Guide, s: &Structure, boxes: &[BoiteLettresMss]) -> Resource {
    let mut f = Form::new(
        guide,
        "Organization",
        organization_id(&s.id_technique),
        "fr-core-organization",
        "as-dp-organization",
        "RPPS",
        &s.autorite_enregistrement,
    );
    f.identifiers(&structure_identifiers(guide, s));
    f.active(true);
    let nature = if s.entite_juridique { "LEGAL-ENTITY" } else { "GEOGRAPHICAL-ENTITY" };
    let (r02, sector) = concept("TRE_R02", &s.secteur_activite);
    f.json.array("type", |j| {
        for (slice, system, code, label) in
            [("organizationType", STRUCTURE_TYPES, nature, ""), ("secteurActiviteRASS", &r02, &s.secteur_activite, &sector)]
        {
            if !code.is_empty() {
                j.object(|j| {
                    j.array("extension", |j| {
                        j.object(|j| {
                            j.text("url", &format!("{AS}as-ext-organization-types"));
                            j.text("valueCode", slice);
                        });
                    });
                    j.array("coding", |j| j.coding(system, code, label));
                });
            }
        }
    });
    f.token("type", STRUCTURE_TYPES, nature);
    f.token("type", &r02, &s.secteur_activite);
    f.json.text("name", &s.raison_sociale);
    f.words("name", &s.raison_sociale);
    if !s.enseigne_commerciale.is_empty() && s.enseigne_commerciale != s.raison_sociale {
        f.json.array("alias", |j| j.string(&s.enseigne_commerciale));
        f.words("name", &s.enseigne_commerciale);
    }
    let boxes: Vec<_> = boxes.iter().collect();
    let plain: Vec<(&str, &str)> = s
        .telephones
        .iter()
        .map(|t| ("phone", t.as_str()))
        .chain([("fax", s.telecopie.as_str()), ("email", s.courriel.as_str())])
        .filter(|t| !t.1.is_empty())
        .collect();
    if !plain.is_empty() || !boxes.is_empty() {
        f.json.key("telecom").out.push(b'[');
        for (system, value) in plain {
            f.json.object(|j| {
                j.text("system", system);
                j.text("value", value);
            });
        }
        f.mailboxes(&boxes);
        f.json.out.push(b']');
    }
    address(&mut f, &s.adresse);
    if !s.num_finess_ej.is_empty() && !s.entite_juridique {
        let legal = format!("Organization/{}", organization_id(&format!("F{}", s.num_finess_ej)));
        f.json.key("partOf").object(|j| j.text("reference", &legal));
        f.reference("partof", &legal);
    }
    f.finish()
}

fn structure_identifiers(guide: Guide, s: &Structure) -> Vec<(bool, &'static str, &'static str, &str)> {
    let rang = s.id_nat_struct.strip_prefix('4').filter(|r| r.len() == 14).unwrap_or("");
    vec![
        (true, "IDNST", IDNST, &s.id_nat_struct),
        (false, if s.entite_juridique { "FINEJ" } else { "FINEG" }, FINESS, &s.num_finess),
        (false, "SIREN", SIRENE, &s.num_siren),
        (false, "SIRET", SIRENE, &s.num_siret),
        (false, guide.rpps_rang_type(), RPPS_RANG, rang),
    ]
}

fn address(f: &mut Form, a: &Adresse) {
    // Bureau cedex is the only trace of the town when the commune was not matched (source-files §2.4).
    let city = if a.localite.is_empty() { a.bureau_cedex.get(6..).unwrap_or("").trim() } else { a.localite.as_str() };
    let street = [&a.numero_voie, &a.extension, &a.type_voie, &a.libelle_voie]
        .into_iter()
        .filter(|p| !p.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    if city.is_empty() && street.is_empty() && a.code_postal.is_empty() {
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
            if !a.cog_commune.is_empty() {
                j.array("extension", |j| {
                    j.object(|j| {
                        j.text("url", &format!("{FR}fr-core-address-insee-code"));
                        j.key("valueCoding");
                        j.coding(COMMUNES, &a.cog_commune, "");
                    });
                });
            }
            if !street.is_empty() {
                j.array("line", |j| j.string(&street));
                j.array("_line", |j| {
                    j.object(|j| {
                        j.array("extension", |j| {
                            for (part, value) in [
                                ("careOf", &a.point_remise),
                                ("additionalLocator", &a.complement_point_geographique),
                                ("houseNumber", &a.numero_voie),
                                ("buildingNumberSuffix", &a.extension),
                                ("streetNameType", &a.type_voie),
                                ("streetNameBase", &a.libelle_voie),
                                ("postBox", &a.mention_distribution),
                            ] {
                                j.string_extension(&format!("{ADXP}{part}"), value);
                            }
                        });
                    });
                });
            }
            j.text("city", city);
            j.text("district", district);
            j.text("postalCode", &a.code_postal);
            j.text("country", country);
        });
    });
    f.words("address-city", city);
    f.words("address-postalcode", &a.code_postal);
    f.words("address-line", &street);
    f.words("address-insee", &a.cog_commune);
    for part in [city, &a.code_postal, &street, district, country] {
        f.words("address", part);
    }
}

/// Reduced form of a withdrawn practice: identifiers and `active=false` (fhir-api §11).
#[must_use]
pub fn inactive_practitioner(guide: Guide, person: &Professionnel, practice: &ExerciceProfessionnel) -> Resource {
    let id = practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle);
    let mut f = Form::new(guide, "Practitioner", id, "fr-core-practitioner", "as-dp-practitioner", "", "");
    f.identifiers(&person_identifiers(person));
    f.active(false);
    f.finish()
}

/// Reduced form of an ended situation. The practitioner stays: R4 clients follow it and the profile requires it.
#[must_use]
pub fn inactive_role(guide: Guide, person: &Professionnel, practice: &ExerciceProfessionnel, s: &SituationExercice) -> Resource {
    let mut f = Form::new(
        guide,
        "PractitionerRole",
        role_id(&s.id_situation_exercice),
        "fr-core-practitioner-role",
        "as-dp-practitionerrole",
        "",
        "",
    );
    f.identifiers(&[(false, "", RPPS, &s.id_situation_exercice)]);
    f.active(false);
    let target =
        format!("Practitioner/{}", practitioner_id(&person.id_nat_ps, &practice.profession, &practice.categorie_professionnelle));
    f.json.key("practitioner").object(|j| j.text("reference", &target));
    f.reference("practitioner", &target);
    f.finish()
}

/// Reduced form of a withdrawn structure: identifiers, name, `active=false`.
#[must_use]
pub fn inactive_structure(guide: Guide, s: &Structure) -> Resource {
    let mut f =
        Form::new(guide, "Organization", organization_id(&s.id_technique), "fr-core-organization", "as-dp-organization", "", "");
    f.identifiers(&structure_identifiers(guide, s));
    f.active(false);
    f.json.text("name", &s.raison_sociale);
    f.words("name", &s.raison_sociale);
    f.finish()
}
