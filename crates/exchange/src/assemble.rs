//! MOS objects out of the pieces that a text file says of one entity. Pieces are sorted, so the result does not depend
//! on the order of lines.

use crate::formats::Slot as S;
use crate::row::{Row, unpack};
use annuaire_base::date::PartialDate;
use annuaire_mos::{
    Activite, ActiviteAutorisee, Adresse, AttributionParticuliere, AutorisationExercice, BoiteLettresMss, CarteProfessionnel,
    Certificat, Coordonnees, Diplome, EtatCivil, ExerciceProfessionnel, IdentifiantAlternatif, InscriptionOrdre, Langue,
    LigneAmeli, Objet, Position, Professionnel, SavoirFaire, SituationExercice, Structure,
};

fn text(row: &Row<'_>, slot: S) -> String {
    row.get(slot).to_owned()
}

fn iso(row: &Row<'_>, slot: S) -> String {
    PartialDate::parse(row.get(slot)).map(|d| d.to_string()).unwrap_or_default()
}

fn set(mine: &mut String, value: String) {
    if !value.is_empty() {
        *mine = value;
    }
}

fn unique<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}

/// To be raised whenever any object comes out differently of the same pieces, here or in `finess`: what the registry holds was
/// made by the version before, and is compared again. A test of all samples tells when.
pub(crate) const VERSION: u64 = 2;

/// The object that the pieces of one entity make, for one source.
pub(crate) fn assemble(source: &str, entity: &str, pieces: &[&[u8]]) -> Objet {
    let rows: Vec<Row<'_>> = pieces.iter().map(|p| unpack(p)).collect();
    let (kind, id) = entity.split_at(3);
    match (source, kind) {
        ("cps" | "r-cartepro", _) => Objet::Cartes { cartes: unique(rows.iter().map(card).collect()) },
        ("mss", _) => Objet::BoitesLettres { boites: unique(rows.iter().map(|r| mailbox(r, "")).collect()) },
        (_, "AM:") => Objet::Ameli(rows.first().map(ameli).unwrap_or_default()),
        (_, "AC:") => Objet::Activite(activity(source, id, &rows)),
        (_, "ST:") => Objet::Structure(structure(source, id, &rows)),
        _ => Objet::Professionnel(person(source, id, &rows)),
    }
}

fn card(r: &Row<'_>) -> CarteProfessionnel {
    CarteProfessionnel {
        numero_carte: text(r, S::NumeroCarte),
        type_carte: text(r, S::TypeCarte),
        profession: text(r, S::Profession),
        categorie_professionnelle: text(r, S::Categorie),
        date_debut_validite: iso(r, S::DateDebut),
        date_fin_validite: iso(r, S::DateFin),
        date_opposition: iso(r, S::DateOpposition),
        id_nat_carte: text(r, S::IdCarte),
    }
}

fn mailbox(r: &Row<'_>, kind: &str) -> BoiteLettresMss {
    BoiteLettresMss {
        adresse: text(r, S::AdresseBal),
        type_bal: if kind.is_empty() { text(r, S::TypeBal) } else { kind.to_owned() },
        service_rattachement: text(r, S::Service),
        profession: text(r, S::Profession),
        structure: text(r, S::NumeroStructure),
    }
}

fn certificate(r: &Row<'_>) -> Certificat {
    Certificat {
        numero: text(r, S::Support),
        emetteur: text(r, S::Emetteur),
        sujet: text(r, S::Sujet),
        date_debut: iso(r, S::DateDebut),
        date_fin: iso(r, S::DateFin),
        date_revocation: iso(r, S::DateRevocation),
        domaine: text(r, S::Domaine),
    }
}

fn address(r: &Row<'_>) -> Adresse {
    let mut a = Adresse {
        point_remise: text(r, S::PointRemise),
        complement_point_geographique: text(r, S::ComplementGeo),
        numero_voie: text(r, S::NumeroVoie),
        extension: text(r, S::Extension),
        type_voie: text(r, S::TypeVoie),
        libelle_voie: text(r, S::LibelleVoie),
        lieu_dit: text(r, S::LieuDit),
        mention_distribution: text(r, S::MentionDistribution),
        bureau_cedex: text(r, S::BureauCedex),
        code_postal: text(r, S::CodePostal),
        cog_commune: text(r, S::Commune),
        localite: text(r, S::LibelleCommune),
        pays: text(r, S::Pays),
        position: None,
    };
    let (commune, department) = (r.get(S::CommuneCourte), r.get(S::DepartementFiness));
    if !commune.is_empty() {
        // FINESS numbers overseas departments in its own way (source-files §7).
        a.cog_commune = match department {
            "9J" => format!("98{commune}"),
            d if d.starts_with('9') && d.ends_with(|c: char| c.is_ascii_uppercase()) => format!("97{commune}"),
            d => format!("{d}{commune}"),
        };
    }
    let line = r.get(S::LigneAcheminement);
    if !line.is_empty() {
        a.bureau_cedex = line.to_owned();
        if let Some((code, town)) = line.split_once(' ')
            && code.len() == 5
        {
            a.code_postal = code.to_owned();
            a.localite = town.to_owned();
        }
    }
    let (code, town) = a.bureau();
    let (code, town) = (code.to_owned(), town.to_owned());
    if a.code_postal.is_empty() {
        a.code_postal = code;
    }
    if a.localite.is_empty() {
        a.localite = town;
    }
    let position = Position {
        latitude: text(r, S::Latitude),
        longitude: text(r, S::Longitude),
        x: text(r, S::X),
        y: text(r, S::Y),
        source: text(r, S::SourceGeo),
    };
    if position != Position::default() {
        a.position = Some(position);
    }
    a
}

fn contact(r: &Row<'_>) -> Coordonnees {
    Coordonnees {
        adresse: address(r),
        telephones: phones(r),
        telecopie: text(r, S::Telecopie),
        courriel: text(r, S::Courriel),
        date_fin: iso(r, S::DateFin),
    }
}

fn phones(r: &Row<'_>) -> Vec<String> {
    [text(r, S::Telephone), text(r, S::Telephone2)].into_iter().filter(|t| !t.is_empty()).collect()
}

fn person(source: &str, id: &str, rows: &[Row<'_>]) -> Professionnel {
    let mut p = Professionnel { id_nat_ps: id.to_owned(), ..Default::default() };
    for r in rows {
        set(&mut p.type_id_nat_pp, text(r, S::TypeId));
        set(&mut p.id_pp, text(r, S::Numero));
        set(&mut p.civilite, text(r, S::Civilite));
        set(&mut p.date_maj, iso(r, S::DateMaj));
        set(&mut p.autorite_enregistrement, r.get(S::Autorite).split('/').next().unwrap_or_default().to_owned());
        civil_status(&mut p, r);
        match source {
            "r-coordcorresp" => p.correspondance = Some(contact(r)),
            "psc" if !(r.get(S::TelephoneCorrespondance).is_empty() && r.get(S::CourrielCorrespondance).is_empty()) => {
                p.correspondance = Some(Coordonnees {
                    telephones: Some(text(r, S::TelephoneCorrespondance)).into_iter().filter(|t| !t.is_empty()).collect(),
                    courriel: text(r, S::CourrielCorrespondance),
                    ..Default::default()
                });
            }
            "bascule" => {
                (p.type_id_nat_pp, p.id_pp) = ("8".into(), text(r, S::Rpps));
            }
            _ => {}
        }
        if !(r.get(S::TypeDiplome).is_empty() && r.get(S::Diplome).is_empty()) {
            p.diplomes.push(Diplome {
                // The file of other diplomas has no type column: it is the type.
                type_diplome: if source == "r-autrediplobt" { "AU".to_owned() } else { text(r, S::TypeDiplome) },
                code_diplome: text(r, S::Diplome),
                date_obtention: iso(r, S::DateDebut),
                lieu_formation: text(r, S::LieuFormation),
            });
        }
        if !r.get(S::TypeAutorisation).is_empty() {
            p.autorisations.push(AutorisationExercice {
                type_autorisation: text(r, S::TypeAutorisation),
                discipline_autorisee: text(r, S::Discipline),
                profession: text(r, S::Profession),
                date_debut: iso(r, S::DateDebut),
                date_fin: iso(r, S::DateFin),
            });
        }
        if !r.get(S::AdresseBal).is_empty() {
            p.boites_lettres.push(mailbox(r, "PER"));
        }
        if !r.get(S::Langue).is_empty() {
            p.langues.push(Langue { code: text(r, S::Langue), date_fin: iso(r, S::DateFin) });
        }
        if !r.get(S::Attribution).is_empty() {
            p.attributions.push(AttributionParticuliere {
                code: text(r, S::Attribution),
                date_reconnaissance: iso(r, S::DateDebut),
                date_abandon: iso(r, S::DateFin),
            });
        }
        if !r.get(S::Emetteur).is_empty() {
            p.certificats.push(certificate(r));
        }
        if !r.get(S::Ordre).is_empty() {
            let first = source == "r-exercpro";
            p.inscriptions.push(InscriptionOrdre {
                ordre: text(r, S::Ordre),
                departement: text(r, S::Departement),
                departement_accueil: text(r, S::DepartementAccueil),
                statut: text(r, S::Statut),
                date_debut: iso(r, if first { S::DateAutorisation } else { S::DateDebut }),
                date_fin: if first { String::new() } else { iso(r, S::DateFin) },
                profession: text(r, S::Profession),
                categorie_professionnelle: text(r, S::Categorie),
                premiere: first,
            });
        }
        other_identifiers(&mut p, r);
        let always = matches!(source, "psla" | "psc" | "monotable" | "r-exercpro");
        if always || (source != "r-autexerc" && !r.get(S::Profession).is_empty()) {
            practice(source, &mut p, r);
        }
    }
    for e in &mut p.exercices {
        e.savoir_faire = unique(std::mem::take(&mut e.savoir_faire));
        e.situations = unique(std::mem::take(&mut e.situations));
    }
    p.diplomes = unique(p.diplomes);
    p.autorisations = unique(p.autorisations);
    p.boites_lettres = unique(p.boites_lettres);
    p.langues = unique(p.langues);
    p.attributions = unique(p.attributions);
    p.certificats = unique(p.certificats);
    p.inscriptions = unique(p.inscriptions);
    p.identifiants_alternatifs = unique(p.identifiants_alternatifs);
    p
}

fn civil_status(p: &mut Professionnel, r: &Row<'_>) {
    if [S::NomFamille, S::Prenoms, S::DateNaissance, S::DateDeces, S::StatutEtatCivil].iter().all(|s| r.get(*s).is_empty()) {
        return;
    }
    p.etat_civil = Some(EtatCivil {
        nom_famille: text(r, S::NomFamille),
        // Three given names joined by apostrophes; a missing one leaves an empty part (`Ali''`).
        prenoms: r.get(S::Prenoms).split('\'').filter(|n| !n.is_empty()).map(str::to_owned).collect(),
        sexe_administratif: text(r, S::Sexe),
        date_naissance: iso(r, S::DateNaissance),
        commune_naissance: text(r, S::CommuneNaissance),
        pays_naissance: text(r, S::PaysNaissance),
        lieu_naissance: text(r, S::LieuNaissance),
        date_deces: iso(r, S::DateDeces),
        statut: text(r, S::StatutEtatCivil),
        date_effet: iso(r, S::DateDebut),
    });
}

fn other_identifiers(p: &mut Professionnel, r: &Row<'_>) {
    if !r.get(S::Adeli).is_empty() {
        let id_nat_ps = format!("0{}", r.get(S::Adeli));
        p.identifiants_alternatifs.push(IdentifiantAlternatif { id_nat_ps, origine: "ADELI".to_owned() });
    }
    for one in r.get(S::AutresIdentifiants).split(';').filter(|o| !o.is_empty()) {
        let mut parts = one.split(',').map(str::to_owned);
        let (id_nat_ps, origine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if id_nat_ps != p.id_nat_ps {
            p.identifiants_alternatifs.push(IdentifiantAlternatif { id_nat_ps, origine });
        }
    }
}

fn practice(source: &str, p: &mut Professionnel, r: &Row<'_>) {
    let (profession, categorie) = (r.get(S::Profession), r.get(S::Categorie));
    let at = p.exercices.iter().position(|e| e.profession == profession && e.categorie_professionnelle == categorie);
    let at = at.unwrap_or_else(|| {
        p.exercices.push(ExerciceProfessionnel {
            profession: profession.to_owned(),
            categorie_professionnelle: categorie.to_owned(),
            ..Default::default()
        });
        p.exercices.len() - 1
    });
    let national = p.id_nat_ps.clone();
    let e = &mut p.exercices[at];
    set(&mut e.civilite_exercice, text(r, S::CiviliteExercice));
    set(&mut e.nom_exercice, text(r, S::NomExercice));
    set(&mut e.prenom_exercice, text(r, S::PrenomExercice));
    if source == "r-exercpro" {
        set(&mut e.date_effet_exercice, iso(r, S::DateDebut));
        set(&mut e.date_fin_effet_exercice, iso(r, S::DateFin));
    }
    if !r.get(S::SavoirFaire).is_empty() {
        e.savoir_faire.push(SavoirFaire {
            type_savoir_faire: text(r, S::TypeSavoirFaire),
            code: text(r, S::SavoirFaire),
            date_reconnaissance: iso(r, S::DateDebut),
            date_abandon: iso(r, S::DateFin),
        });
    }
    let id = if r.get(S::IdActivite).is_empty() {
        if r.get(S::ModeExercice).is_empty() && r.get(S::Structure).is_empty() {
            return;
        }
        // The file has no activity number: a key of its visible attributes stands in. Twenty digits keep 2.3 million of
        // them apart (expected collisions below 1e-6) and look like no national number.
        let seen = [S::Structure, S::ModeExercice, S::Section, S::Role, S::Genre].map(|s| r.get(s)).join("\u{1f}");
        let key = [&national, profession, categorie, &seen].join("\u{1f}");
        format!("{:020}", xxhash_rust::xxh3::xxh3_64(key.as_bytes()))
    } else {
        text(r, S::IdActivite)
    };
    let numbered = !r.get(S::IdActivite).is_empty();
    e.situations.push(SituationExercice {
        id_situation_exercice: id,
        mode_exercice: text(r, S::ModeExercice),
        structure: text(r, S::Structure),
        section_ordre_pharmacien: text(r, S::Section),
        sous_section_ordre_pharmacien: text(r, S::SousSection),
        role: text(r, S::Role),
        genre_activite: text(r, S::Genre),
        type_activite_liberale: text(r, S::TypeLiberal),
        statut_professionnel_ssa: text(r, S::StatutSsa),
        statut_hospitalier: text(r, S::StatutHospitalier),
        date_debut: if numbered { iso(r, S::DateDebut) } else { String::new() },
        date_fin: if numbered && source != "r-coordact" { iso(r, S::DateFin) } else { String::new() },
        motif_fin: text(r, S::MotifFin),
        coordonnees: (source == "r-coordact").then(|| contact(r)),
    });
}

fn structure(source: &str, id: &str, rows: &[Row<'_>]) -> Structure {
    let mut s = Structure { id_technique: id.to_owned(), ..Default::default() };
    // The restricted file writes a practice twice, as its own legal body (EJ) and as the place (EG): it is a place.
    let place = rows.iter().any(|r| r.get(S::Nature) == "EG");
    for r in rows {
        let ej = r.get(S::FinessEj);
        let legal = !place && (r.get(S::Nature) == "EJ" || (!ej.is_empty() && id.strip_prefix('F') == Some(ej)));
        s.entite_juridique |= legal;
        if legal {
            set(&mut s.num_finess, ej.to_owned());
        } else {
            set(&mut s.num_finess_ej, ej.to_owned());
            set(&mut s.num_finess, text(r, S::Finess));
        }
        for (mine, slot) in [
            (&mut s.id_nat_struct, S::AncienId),
            (&mut s.num_siret, S::Siret),
            (&mut s.num_siren, S::Siren),
            (&mut s.rpps_rang, S::RppsRang),
            (&mut s.adeli_rang, S::AdeliRang),
            (&mut s.num_uai, S::Uai),
            (&mut s.raison_sociale, S::RaisonSociale),
            (&mut s.enseigne_commerciale, S::Enseigne),
            (&mut s.secteur_activite, S::Secteur),
            (&mut s.categorie_etablissement, S::CategorieEtablissement),
            (&mut s.statut_juridique, S::StatutJuridique),
            (&mut s.participation_sph, S::Sph),
            (&mut s.mode_fixation_tarifaire, S::Tarif),
            (&mut s.code_ape, S::Ape),
            (&mut s.telecopie, S::Telecopie),
            (&mut s.courriel, S::Courriel),
        ] {
            set(mine, text(r, slot));
        }
        if s.enseigne_commerciale.is_empty() {
            set(&mut s.enseigne_commerciale, text(r, S::Enseigne2));
        }
        if source != "r-certificatpm" {
            set(&mut s.date_ouverture, iso(r, S::DateDebut));
            set(&mut s.date_fermeture, iso(r, S::DateFin));
        }
        set(&mut s.date_autorisation, iso(r, S::DateAutorisation));
        set(&mut s.date_maj, iso(r, S::DateMaj));
        set(&mut s.autorite_enregistrement, r.get(S::Autorite).split('/').nth(2).unwrap_or_default().to_owned());
        if !r.get(S::Licence).is_empty() {
            s.licences_officine.push(text(r, S::Licence));
        }
        if !r.get(S::Emetteur).is_empty() {
            s.certificats.push(certificate(r));
        }
        let place = address(r);
        if place != Adresse::default() {
            s.adresse = place;
        }
        if !phones(r).is_empty() {
            s.telephones = phones(r);
        }
    }
    s.ferme = !s.date_fermeture.is_empty();
    if s.id_nat_struct.is_empty() && !s.num_finess.is_empty() {
        s.id_nat_struct = format!("1{}", s.num_finess);
    }
    s.licences_officine = unique(s.licences_officine);
    s.certificats = unique(s.certificats);
    s
}

fn activity(source: &str, id: &str, rows: &[Row<'_>]) -> ActiviteAutorisee {
    let level = |r: &Row<'_>, n: usize| Activite {
        id: if n == 0 { id.to_owned() } else { format!("{id}-{n}") },
        nature: match source {
            "finess-as" => "AMF",
            "finess-eml" => "EML",
            _ => "AMSR",
        }
        .to_owned(),
        num_finess: text(r, S::Finess),
        inactive: r.get(S::Supprime) == "O",
        num_autorisation_arhgos: text(r, S::NumAutorisationArhgos),
        activite: text(r, S::Activite),
        modalite: text(r, S::Modalite),
        forme: text(r, S::Forme),
        public: text(r, S::Public),
        date_autorisation: iso(r, S::DateAutorisation),
        date_mise_en_oeuvre: if source == "finess-soc" { String::new() } else { iso(r, S::DateMeo) },
        date_installation: if source == "finess-soc" { iso(r, S::DateMeo) } else { String::new() },
        date_fin: iso(r, S::DateFin),
        date_maj: iso(r, S::DateMaj),
        age_min: text(r, S::AgeMin),
        age_max: text(r, S::AgeMax),
        capacite: r.get(S::Capacite).parse().ok(),
        capacite_habilitee: r.get(S::CapaciteHabilitee).parse().ok(),
        capacite_installee: r.get(S::CapaciteInstallee).parse().ok(),
        capacite_installee_habilitee: r.get(S::CapaciteInstalleeHabilitee).parse().ok(),
        ..Default::default()
    };
    let exercees: Vec<Activite> = rows.iter().enumerate().map(|(n, r)| level(r, n)).collect();
    let first = exercees.first().cloned().unwrap_or_default();
    let ej = rows.first().map(|r| text(r, S::FinessEj)).unwrap_or_default();
    ActiviteAutorisee { id: id.to_owned(), autorisee: Activite { num_finess: ej, ..first }, exercees }
}

fn ameli(r: &Row<'_>) -> LigneAmeli {
    // CNAM numbers sectors 0 to 3, the national table names them (source-files §10.1).
    let sector = match r.get(S::Secteur2) {
        "0" => "nc",
        "1" => "c1",
        "2" => "c2",
        "3" => "c3",
        other => other,
    };
    LigneAmeli {
        nom: text(r, S::NomExercice),
        prenom: text(r, S::PrenomExercice),
        sexe: text(r, S::Sexe),
        raison_sociale: text(r, S::RaisonSociale),
        num_finess: text(r, S::Finess),
        specialite: text(r, S::Specialite),
        coordonnees: contact(r),
        secteur_conventionnement: sector.to_owned(),
        nature_exercice: text(r, S::NatureExercice),
        option_tarifaire: text(r, S::Option),
        carte_vitale_acceptee: r.get(S::Vitale) == "true",
    }
}
