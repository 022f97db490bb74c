//! FINESS+ JSON documents: legal entities, establishments, groups, and their activities (source-files §9).

use annuaire_base::date::PartialDate;
use annuaire_mos::{Activite, ActiviteAutorisee, Adresse, Groupement, Objet, Position, Structure};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

type Text = Option<String>;

fn text(t: Text) -> String {
    t.map(|t| t.trim().to_owned()).unwrap_or_default()
}

/// Dates come as days or as date-times in two notations: the day is kept.
fn day(t: Text) -> String {
    let t = text(t);
    PartialDate::parse(t.get(..10).unwrap_or(&t)).map(|d| d.to_string()).unwrap_or_default()
}

macro_rules! shape {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty,)* })*) => {
        $(#[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct $name { $($(#[$meta])* $field: $ty,)* })*
    };
}

shape! {
    Pmej {
        #[serde(rename = "informationsGeneralesPMEJ")]
        informations_generales_p_m_e_j: Option<GeneralEj>,
        adresse: Option<Vec<Address>>,
        contact: Option<Vec<Contact>>,
        etat_objet: Text,
        date_derniere_maj: Text,
        ege: Option<Vec<Ege>>,
        // Activities document.
        #[serde(rename = "numFiness")]
        numero: Text,
        pm_smsse_id: Text,
        activites_autorisees: Option<Vec<Activity>>,
    }
    GeneralEj {
        pm_smsse_id: Text,
        num_finess_pm: Text,
        siren: Text,
        denomination_pm: Text,
        denomination_longue_pm_smsse: Text,
        code_ape: Text,
        date_creation: Text,
        date_fermeture: Text,
        statut_juridique: Text,
    }
    Ege {
        #[serde(rename = "informationsGeneralesEGE")]
        informations_generales_e_g_e: Option<GeneralEg>,
        #[serde(rename = "categorieentiteGeographiqueExercice")]
        categorie: Text,
        modefixationtarifaire: Text,
        type_budget: Option<Vec<String>>,
        adresse: Option<Vec<Address>>,
        contact: Option<Vec<Contact>>,
        etat_objet: Text,
        date_derniere_maj: Text,
        num_finess_ege: Text,
        activites_exercees: Option<Vec<Activity>>,
    }
    GeneralEg {
        num_finess_ege: Text,
        siret: Text,
        nom_ege_court: Text,
        nom_ege_long: Text,
        date_ouverture: Text,
        date_fermeture: Text,
        date_premiere_autorisation: Text,
        numero_education_nationale: Text,
        espic: Option<Vec<String>>,
    }
    Address {
        usage_adresse: Text,
        numero_voie: Text,
        type_voie: Text,
        libelle_voie: Text,
        complement_voie: Text,
        complement_point_geographique: Text,
        lieu_dit: Text,
        cog_commune: Text,
        ligne_acheminement: Text,
        code_postal: Text,
        coordonnees_geographique: Option<Coordinates>,
    }
    Coordinates {
        #[serde(rename = "coordonneeX")]
        coordonnee_x: Text,
        #[serde(rename = "coordonneeY")]
        coordonnee_y: Text,
        direction_latitude: Text,
        direction_longitude: Text,
        #[serde(rename = "scoreBAN")]
        score_ban: Text,
    }
    Contact { telecom: Option<Telecom>, }
    Telecom { telephone: Text, telecopie: Text, courriel: Text, }
    Activity {
        caracteristiques_generiques: Option<General>,
        nature: Option<Nature>,
        evenement: Option<Vec<Event>>,
        capacite: Option<Vec<Capacity>>,
    }
    General {
        activite_ae_id: Text,
        etat_objet: Text,
        identifiant_autorisation: Text,
        num_autorisation_arhgos: Text,
        date_debut_activite_autorisee: Text,
        date_fin_activite_autorisee: Text,
        date_fin_effective_activite: Text,
        date_caducite_autorisation: Text,
    }
    Nature { code_nature: Text, caracteristiques_specifiques: Option<serde_json::Map<String, serde_json::Value>>, }
    Event { date_evenement: Text, date_enregistrement: Text, code_evenement: Text, }
    Capacity {
        nombre: Text,
        statut_capacite: Text,
        habilitation: Text,
        mode_financement: Text,
        type_logement: Text,
        genre: Text,
    }
    Group {
        gcc_id: Text,
        nom_gcc: Text,
        type_gcc: Text,
        gcc_identifiant_externe: Text,
        num_finess_gcc: Text,
        pmej_du_gcc: Option<Vec<Member>>,
        etat_objet: Text,
        // Groups with personality.
        pm_smsse_id: Text,
        type_gco: Text,
        pmej_du_gco: Option<Vec<Member>>,
    }
    Member { pm_smsse_id: Text, }
}

/// Which of the two documents a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// `finess-structures`.
    Structures,
    /// `finess-activites`.
    Activities,
}

impl Document {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Structures => "FINESS+ structures",
            Self::Activities => "FINESS+ activités",
        }
    }

    /// The sources that it replaces: the same as those of the legacy files, which it continues.
    pub(crate) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Structures => &["finess-ej", "finess-eg", "finess-gr"],
            Self::Activities => &["finess-as", "finess-eml", "finess-soc"],
        }
    }
}

/// The object that the pieces of one entity make.
pub(crate) fn assemble(entity: &str, pieces: &[&[u8]]) -> std::io::Result<Objet> {
    if entity.starts_with("GR:") {
        return Ok(Objet::Groupement(serde_json::from_slice(pieces.first().copied().unwrap_or_default())?));
    }
    if entity.starts_with("ST:") {
        let mut all = pieces.iter().map(|p| serde_json::from_slice::<Structure>(p));
        let mut first = all.next().transpose()?.unwrap_or_default();
        for other in all {
            first.merge(other?);
        }
        return Ok(Objet::Structure(first));
    }
    let mut activity = ActiviteAutorisee { id: entity[3..].to_owned(), ..Default::default() };
    for p in pieces {
        let (level, json) = p.split_at(1);
        let one: Activite = serde_json::from_slice(json)?;
        if level == b"A" { activity.autorisee = one } else { activity.exercees.push(one) }
    }
    activity.exercees.sort();
    Ok(Objet::Activite(activity))
}

/// What records say, and the oddities met.
#[derive(Default)]
pub(crate) struct Reader {
    /// Set by the first record that tells.
    pub(crate) document: Option<Document>,
    /// Oddities by name.
    pub(crate) oddities: BTreeMap<&'static str, u64>,
    /// Hashes of the internal numbers of bodies, and of those that groups name.
    bodies: HashSet<u64>,
    members: Vec<u64>,
}

/// A fact for one source: (source, entity, piece).
pub(crate) type Fact = (&'static str, String, Vec<u8>);

fn piece<T: serde::Serialize>(level: &str, value: &T) -> Vec<u8> {
    let mut out = level.as_bytes().to_vec();
    // Strings and options always serialise.
    let _ = serde_json::to_writer(&mut out, value);
    out
}

impl Reader {
    fn note(&mut self, what: &'static str) {
        *self.oddities.entry(what).or_default() += 1;
    }

    /// The facts of one record, or why it is left out.
    pub(crate) fn record(&mut self, member: &str, bytes: &[u8]) -> Result<Vec<Fact>, String> {
        if member == "gcc" || member == "gco" {
            let group: Group = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
            return Ok(self.group(group));
        }
        let pmej: Pmej = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let document = if pmej.informations_generales_p_m_e_j.is_some() {
            Document::Structures
        } else if pmej.numero.is_some() || pmej.activites_autorisees.is_some() {
            Document::Activities
        } else {
            // It must not decide what the document is.
            return Err("a legal person with neither general information nor activities".into());
        };
        if *self.document.get_or_insert(document) != document {
            return Err("belongs to the other FINESS+ document".into());
        }
        match document {
            Document::Structures => self.structures(pmej),
            Document::Activities => self.activities(pmej),
        }
    }

    /// To call at the end: members of groups that the document does not hold.
    pub(crate) fn finish(&mut self) {
        let missing = self.members.iter().filter(|m| !self.bodies.contains(m)).count() as u64;
        if missing > 0 {
            self.oddities.insert("group member that is not in the file", missing);
        }
    }

    fn group(&mut self, g: Group) -> Vec<Fact> {
        let id = if g.gcc_id.is_some() { text(g.gcc_id) } else { text(g.pm_smsse_id) };
        let members: Vec<String> =
            g.pmej_du_gcc.into_iter().chain(g.pmej_du_gco).flatten().map(|m| text(m.pm_smsse_id)).collect();
        self.members.extend(members.iter().map(|m| hash(m)));
        if g.gcc_identifiant_externe.is_some() {
            self.note("group number under its spring 2026 name");
        }
        let group = Groupement {
            id: id.clone(),
            nom: text(g.nom_gcc),
            type_groupement: text(g.type_gcc.or(g.type_gco)),
            numero: text(g.gcc_identifiant_externe.or(g.num_finess_gcc)),
            membres: members,
            inactif: text(g.etat_objet) == "I",
        };
        vec![("finess-gr", format!("GR:{id}"), piece("", &group))]
    }

    fn trimmed(&mut self, t: Text) -> String {
        if t.as_ref().is_some_and(|t| t.trim() != t) {
            self.note("padded text");
        }
        text(t)
    }

    fn structures(&mut self, pmej: Pmej) -> Result<Vec<Fact>, String> {
        let general = pmej.informations_generales_p_m_e_j.unwrap_or_default();
        let ej = text(general.num_finess_pm);
        if ej.is_empty() {
            return Err("a legal entity without FINESS number".into());
        }
        self.bodies.insert(hash(&text(general.pm_smsse_id)));
        let mut s = Structure {
            id_technique: format!("F{ej}"),
            entite_juridique: true,
            num_finess: ej.clone(),
            id_nat_struct: format!("1{ej}"),
            num_siren: text(general.siren),
            raison_sociale: self.trimmed(general.denomination_pm),
            enseigne_commerciale: self.trimmed(general.denomination_longue_pm_smsse),
            code_ape: text(general.code_ape),
            statut_juridique: text(general.statut_juridique),
            date_ouverture: day(general.date_creation),
            date_fermeture: day(general.date_fermeture),
            date_maj: day(pmej.date_derniere_maj),
            ..Default::default()
        };
        if s.code_ape.len() == 5 {
            self.note("class of the former NAF");
        }
        self.common(&mut s, pmej.etat_objet, pmej.adresse, pmej.contact);
        let mut facts = vec![("finess-ej", format!("ST:{}", s.id_technique), piece("", &s))];
        for ege in pmej.ege.unwrap_or_default() {
            let general = ege.informations_generales_e_g_e.unwrap_or_default();
            let number = text(general.num_finess_ege);
            if number.is_empty() {
                return Err(format!("an establishment of {ej} without FINESS number"));
            }
            let mut s = Structure {
                id_technique: format!("F{number}"),
                num_finess: number.clone(),
                num_finess_ej: ej.clone(),
                id_nat_struct: format!("1{number}"),
                num_siret: text(general.siret),
                num_uai: text(general.numero_education_nationale),
                raison_sociale: self.trimmed(general.nom_ege_court),
                enseigne_commerciale: self.trimmed(general.nom_ege_long),
                categorie_etablissement: text(ege.categorie),
                participation_sph: general.espic.unwrap_or_default().into_iter().next().unwrap_or_default(),
                mode_fixation_tarifaire: text(ege.modefixationtarifaire),
                types_budget: ege.type_budget.unwrap_or_default(),
                date_ouverture: day(general.date_ouverture),
                date_fermeture: day(general.date_fermeture),
                date_autorisation: day(general.date_premiere_autorisation),
                date_maj: day(ege.date_derniere_maj),
                ..Default::default()
            };
            if s.num_siret.is_empty() {
                self.note("establishment without SIRET");
            }
            self.common(&mut s, ege.etat_objet, ege.adresse, ege.contact);
            facts.push(("finess-eg", format!("ST:{}", s.id_technique), piece("", &s)));
        }
        Ok(facts)
    }

    /// What legal entities and establishments write alike.
    fn common(&mut self, s: &mut Structure, state: Text, addresses: Option<Vec<Address>>, contacts: Option<Vec<Contact>>) {
        s.ferme = text(state) == "I" || !s.date_fermeture.is_empty();
        if s.ferme {
            self.note("closed entity");
        }
        let addresses = addresses.unwrap_or_default();
        // The place of activity (03), else the head office (02), else the first (source-files §9, 5).
        let of = |code: &str| addresses.iter().position(|a| a.usage_adresse.as_deref() == Some(code));
        let at = of("03").or_else(|| of("02")).unwrap_or(0);
        if at > 0 {
            self.note("address of use that is not the first");
        }
        if let Some(a) = addresses.into_iter().nth(at) {
            s.adresse = self.address(a);
        }
        for telecom in contacts.unwrap_or_default().into_iter().filter_map(|c| c.telecom) {
            let phones = two_numbers(&text(telecom.telephone));
            if phones.len() > 1 {
                self.note("phone field with two numbers");
            }
            s.telephones.extend(phones);
            if s.telecopie.is_empty() {
                s.telecopie = text(telecom.telecopie);
            }
            if s.courriel.is_empty() {
                s.courriel = text(telecom.courriel);
            }
        }
    }

    fn address(&mut self, a: Address) -> Adresse {
        let commune = text(a.cog_commune);
        let position = a.coordonnees_geographique.and_then(|c| self.position(&c, &commune));
        let (postal, town) = (text(a.code_postal), text(a.ligne_acheminement));
        Adresse {
            complement_point_geographique: text(a.complement_point_geographique),
            numero_voie: text(a.numero_voie),
            extension: text(a.complement_voie),
            type_voie: self.trimmed(a.type_voie).to_uppercase(),
            libelle_voie: self.trimmed(a.libelle_voie),
            lieu_dit: text(a.lieu_dit),
            bureau_cedex: [postal.as_str(), &town].join(" ").trim().to_owned(),
            code_postal: postal,
            cog_commune: commune,
            localite: town,
            position,
            ..Default::default()
        }
    }

    /// The two pairs of a point are exchanged with one another and inside themselves on part of the rows: each value is
    /// recognised by its range (source-files §9, 4).
    fn position(&mut self, c: &Coordinates, commune: &str) -> Option<Position> {
        let pair = |a: &Text, b: &Text| {
            let (a, b) = (a.as_deref()?.trim(), b.as_deref()?.trim());
            Some((a.to_owned(), b.to_owned(), a.parse::<f64>().ok()?, b.parse::<f64>().ok()?))
        };
        let mut p = Position { source: text(c.score_ban.clone()), ..Default::default() };
        let mut odd = false;
        let named =
            [(false, pair(&c.coordonnee_x, &c.coordonnee_y)), (true, pair(&c.direction_latitude, &c.direction_longitude))];
        for (degrees_expected, found) in named {
            let Some((first, second, a, b)) = found else { continue };
            let degrees = a.abs() <= 180.0 && b.abs() <= 180.0;
            // French latitudes are smaller in absolute value than longitudes overseas, and larger in mainland France.
            let first_is_latitude = (a.abs() > b.abs()) != (commune.starts_with("97") || commune.starts_with("98"));
            // Lambert 93 northings lie in millions; overseas projections too, except that eastings stay below 900 km.
            let first_is_easting = a < b;
            match (degrees, if degrees { first_is_latitude } else { first_is_easting }) {
                (true, true) => (p.latitude, p.longitude) = (first, second),
                (true, false) => (p.latitude, p.longitude) = (second, first),
                (false, true) => (p.x, p.y) = (first, second),
                (false, false) => (p.x, p.y) = (second, first),
            }
            odd |= degrees != degrees_expected || !(if degrees { first_is_latitude } else { first_is_easting });
        }
        if odd {
            self.note("coordinates exchanged");
        }
        (!(p.latitude.is_empty() && p.x.is_empty())).then_some(p)
    }

    fn activities(&mut self, pmej: Pmej) -> Result<Vec<Fact>, String> {
        let ej = text(pmej.numero);
        if ej.is_empty() {
            return Err("a legal entity without FINESS number".into());
        }
        let mut facts = Vec::new();
        let mut places: BTreeMap<&'static str, HashSet<String>> = BTreeMap::new();
        for a in pmej.activites_autorisees.unwrap_or_default() {
            let (a, _) = self.activity(a, &ej)?;
            places.entry(source_of(&a.nature)).or_default().insert(String::new());
            facts.push((source_of(&a.nature), format!("AC:{}", a.id), piece("A", &a)));
        }
        for ege in pmej.ege.unwrap_or_default() {
            let eg = text(ege.num_finess_ege);
            for a in ege.activites_exercees.unwrap_or_default() {
                let (a, authorised) = self.activity(a, &eg)?;
                places.entry(source_of(&a.nature)).or_default().insert(eg.clone());
                let key = if authorised.is_empty() { a.id.clone() } else { authorised };
                facts.push((source_of(&a.nature), format!("AC:{key}"), piece("X", &a)));
            }
        }
        // The places exist even when the document of structures is not imported: no reference may dangle.
        for (source, numbers) in places {
            for number in numbers {
                let legal = number.is_empty();
                let (number, above) = if legal { (ej.clone(), String::new()) } else { (number, ej.clone()) };
                let s = Structure {
                    id_technique: format!("F{number}"),
                    entite_juridique: legal,
                    id_nat_struct: format!("1{number}"),
                    num_finess: number,
                    num_finess_ej: above,
                    ..Default::default()
                };
                facts.push((source, format!("ST:{}", s.id_technique), piece("", &s)));
                if !legal {
                    let above = Structure {
                        id_technique: format!("F{ej}"),
                        entite_juridique: true,
                        id_nat_struct: format!("1{ej}"),
                        num_finess: ej.clone(),
                        ..Default::default()
                    };
                    facts.push((source, format!("ST:{}", above.id_technique), piece("", &above)));
                }
            }
        }
        Ok(facts)
    }

    /// One activity and the key of the authorisation it carries out.
    fn activity(&mut self, a: Activity, finess: &str) -> Result<(Activite, String), String> {
        let g = a.caracteristiques_generiques.unwrap_or_default();
        let id = text(g.activite_ae_id);
        if id.is_empty() {
            return Err("an activity without activiteAeId".into());
        }
        let nature = a.nature.unwrap_or_default();
        let code = text(nature.code_nature);
        let specific = nature.caracteristiques_specifiques.unwrap_or_default();
        let field = |m: &serde_json::Map<String, serde_json::Value>, names: &[&str]| {
            names.iter().find_map(|n| m.get(*n)?.as_str()).unwrap_or_default().trim().to_owned()
        };
        if code == "ASMR" {
            self.note("AMSR under its former name ASMR");
        }
        let empty = serde_json::Map::new();
        let kind =
            specific.iter().find(|(k, _)| k.starts_with("typeActivite")).and_then(|(_, v)| v.as_object()).unwrap_or(&empty);
        let age = |name: &str| {
            // 0 stands for not given, and a year for a mistake.
            let text = field(&specific, &[name]);
            text.parse::<u32>().ok().filter(|n| (1..=120).contains(n)).map(|n| n.to_string()).unwrap_or_default()
        };
        if ["ageMinAutorise", "ageMaxAutorise", "ageMinInstalle", "ageMaxInstalle"]
            .iter()
            .any(|n| field(&specific, &[n]).len() == 4)
        {
            self.note("age that is a year");
        }
        let events = a.evenement.unwrap_or_default();
        let padded = |e: &Event| format!("{:0>3}", e.code_evenement.as_deref().unwrap_or_default());
        let newest = events
            .iter()
            .filter(|e| matches!(padded(e).as_str(), "012" | "015"))
            .max_by(|x, y| (&x.date_evenement, &x.date_enregistrement).cmp(&(&y.date_evenement, &y.date_enregistrement)));
        let operation = newest.filter(|e| padded(e) == "012").map(|e| day(e.date_evenement.clone())).unwrap_or_default();
        let mut sums: BTreeMap<(&str, bool), u32> = BTreeMap::new();
        for c in a.capacite.iter().flatten() {
            // Lines with financing, housing or gender are details of the same total.
            if c.mode_financement.is_some() || c.type_logement.is_some() || c.genre.is_some() {
                self.note("capacity detail, not summed");
                continue;
            }
            let status = match c.statut_capacite.as_deref() {
                Some("09" | "01") => "authorised",
                Some("08") => "installed",
                _ => continue,
            };
            let places = text(c.nombre.clone()).parse::<u32>().unwrap_or(0);
            let sum = sums.entry((status, c.habilitation.is_some())).or_default();
            *sum = sum.saturating_add(places);
        }
        let activity = Activite {
            num_finess: finess.to_owned(),
            inactive: text(g.etat_objet) == "I",
            num_autorisation_arhgos: text(g.num_autorisation_arhgos),
            activite: field(
                kind,
                &[
                    "activiteAMF",
                    "activiteAMM",
                    "activiteSanitaireRegulee",
                    "activiteSanitaireDiverseRegulee",
                    "activiteSocialeRegulee",
                    "activiteEnseignementRegulee",
                    "typeEmlId",
                ],
            ),
            modalite: field(kind, &["modaliteActivite", "modaliteAMM"]),
            forme: field(kind, &["formeActivite", "mentionAMM", "modeFonctionnement"]),
            public: field(kind, &["public"]),
            marque: field(&specific, &["marque"]),
            numero_serie: field(&specific, &["numeroSerie"]),
            date_autorisation: day(g.date_debut_activite_autorisee),
            date_mise_en_oeuvre: operation,
            date_fin: day(g.date_fin_effective_activite.or(g.date_fin_activite_autorisee).or(g.date_caducite_autorisation)),
            date_maj: events.iter().filter_map(|e| e.date_enregistrement.clone()).max().map(|d| day(Some(d))).unwrap_or_default(),
            age_min: age("ageMinAutorise"),
            age_max: age("ageMaxAutorise"),
            capacite: sums.get(&("authorised", false)).copied(),
            capacite_habilitee: sums.get(&("authorised", true)).copied(),
            capacite_installee: sums.get(&("installed", false)).copied(),
            capacite_installee_habilitee: sums.get(&("installed", true)).copied(),
            date_installation: String::new(),
            nature: code,
            id,
        };
        Ok((activity, text(g.identifiant_autorisation)))
    }
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// The source of an activity by nature.
fn source_of(nature: &str) -> &'static str {
    match nature {
        "EML" => "finess-eml",
        "AMF" | "AMM" | "AASA" | "ASR" => "finess-as",
        _ => "finess-soc",
    }
}

/// A phone field may hold two numbers, separated in any way.
fn two_numbers(field: &str) -> Vec<String> {
    let digits = field.chars().filter(char::is_ascii_digit).count();
    if digits != 20 {
        return Some(field.to_owned()).into_iter().filter(|f| !f.is_empty()).collect();
    }
    let mut seen = 0;
    let cut = field.char_indices().find(|(_, c)| {
        seen += usize::from(c.is_ascii_digit());
        seen == 11
    });
    let (first, second) = field.split_at(cut.map_or(field.len(), |c| c.0));
    let clean = |s: &str| s.trim_matches(|c: char| !c.is_ascii_digit() && c != '+').to_owned();
    vec![clean(first), clean(second)]
}
