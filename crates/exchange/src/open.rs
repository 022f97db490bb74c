//! The open extractions of the national directory: layouts, rows, and MOS objects out of rows.

use annuaire_base::date::PartialDate;
use annuaire_base::text::fold;
use annuaire_mos::{
    Adresse, AutorisationExercice, BoiteLettresMss, CarteProfessionnel, Diplome, ExerciceProfessionnel, Objet, Professionnel,
    SavoirFaire, SituationExercice, Structure,
};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Separates the members of a piece; no field of these formats can hold it.
const US: char = '\u{1f}';

/// A known format. Columns are bound by normalised name, so that order and extra columns do not matter.
struct Format {
    name: &'static str,
    source: &'static str,
    /// Normalised header that no other format has.
    mark: &'static str,
    /// Normalised headers, in the order in which code refers to them; the first three identify the person.
    columns: &'static [&'static str],
}

const FORMATS: &[Format] = &[
    Format {
        name: "PS_LibreAcces_Personne_activite",
        source: "psla",
        mark: "raison sociale site",
        columns: &[
            "type identifiant pp",
            "identifiant pp",
            "identification nationale pp",
            "code civilite exercice",
            "code civilite",
            "nom exercice",
            "prenom exercice",
            "code profession",
            "code categorie professionnelle",
            "code type savoir faire",
            "code savoir faire",
            "code mode exercice",
            "numero siret site",
            "numero siren site",
            "numero finess site",
            "numero finess etablissement juridique",
            "identifiant technique de la structure",
            "raison sociale site",
            "enseigne commerciale site",
            "complement destinataire (coord structure)",
            "complement point geographique (coord structure)",
            "numero voie (coord structure)",
            "indice repetition voie (coord structure)",
            "code type de voie (coord structure)",
            "libelle voie (coord structure)",
            "mention distribution (coord structure)",
            "bureau cedex (coord structure)",
            "code postal (coord structure)",
            "code commune (coord structure)",
            "libelle commune (coord structure)",
            "code pays (coord structure)",
            "telephone (coord structure)",
            "telephone 2 (coord structure)",
            "telecopie (coord structure)",
            "adresse e mail (coord structure)",
            "ancien identifiant de la structure",
            "autorite enregistrement",
            "code secteur activite",
            "code section tableau pharmaciens",
            "code role",
            "code genre activite",
        ],
    },
    Format {
        name: "PS_LibreAcces_Dipl_AutExerc",
        source: "psla-dipl",
        mark: "code diplome obtenu",
        columns: &[
            "type identifiant pp",
            "identifiant pp",
            "identification nationale pp",
            "code type diplome obtenu",
            "code diplome obtenu",
            "code type autorisation",
            "code discipline autorisation",
        ],
    },
    Format {
        name: "Porteurs_CPS_CPF",
        source: "cps",
        mark: "numero carte",
        columns: &[
            "type identifiant pp",
            "identifiant pp",
            "identification nationale pp",
            "code profession",
            "code categorie professionnelle",
            "code type de carte",
            "numero carte",
            "date debut validite",
            "date fin validite",
            "date opposition",
        ],
    },
    Format {
        name: "Extraction_Correspondance_MSSante",
        source: "mss",
        mark: "adresse bal",
        columns: &[
            "type identifiant pp",
            "identifiant pp",
            "identification nationale pp",
            "type de bal",
            "adresse bal",
            "type identifiant structure",
            "identification structure",
            "service de rattachement",
            "code profession",
        ],
    },
    Format {
        name: "PS_LibreAcces_SavoirFaire",
        source: "psla-sf",
        mark: "code savoir faire",
        columns: &[
            "type identifiant pp",
            "identifiant pp",
            "identification nationale pp",
            "code profession",
            "code categorie professionnelle",
            "code type savoir faire",
            "code savoir faire",
        ],
    },
];

/// Columns that generations before 2022 do not have (source-files §2.3).
const OPTIONAL: &[&str] = &["code secteur activite", "code section tableau pharmaciens", "code role", "code genre activite"];

/// A format bound to the header of one file.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    columns: &'static [&'static str],
    positions: Vec<Option<usize>>,
    width: usize,
}

/// The wanted fields of one line, in the format's own order.
pub(crate) struct Row<'a>(Vec<&'a str>);

impl Row<'_> {
    /// TRE_G08 type of the person's identifier.
    pub(crate) fn type_id(&self) -> &str {
        self.0[0]
    }

    /// The person's number without its type.
    pub(crate) fn number(&self) -> &str {
        self.0[1]
    }
}

/// Bytes to text: UTF-8 when valid, Windows-1252 otherwise (source-files §1).
pub(crate) fn decode(line: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => line.iter().map(|b| windows_1252(*b)).collect::<String>().into(),
    }
}

fn windows_1252(b: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“',
        '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match b {
        0x80..=0x9f => HIGH[usize::from(b - 0x80)],
        b => char::from(b),
    }
}

/// Header wording varies between generations: case, accents, apostrophes, `d'`, one renamed column.
fn normalise(header: &str) -> String {
    let folded = fold(header);
    let words: Vec<&str> = folded.split(' ').filter(|w| *w != "d").collect();
    match words.join(" ").as_str() {
        "code fonction" => "code role".to_owned(),
        other => other.to_owned(),
    }
}

/// The layout of a header line, or `None` when it is no known format or lacks a key column.
pub(crate) fn recognise(header: &str) -> Option<Layout> {
    let names: Vec<String> = header.split('|').map(normalise).collect();
    let format = FORMATS.iter().find(|f| names.iter().any(|n| n == f.mark))?;
    let positions: Vec<Option<usize>> = format.columns.iter().map(|c| names.iter().position(|n| n == c)).collect();
    let complete = format.columns.iter().zip(&positions).all(|(c, p)| p.is_some() || OPTIONAL.contains(c));
    complete.then_some(Layout {
        name: format.name,
        source: format.source,
        columns: format.columns,
        positions,
        width: names.len(),
    })
}

type Fault = (&'static str, String);

impl Layout {
    /// The fields of a line, right-trimmed.
    pub(crate) fn row<'a>(&self, line: &'a str) -> Result<Row<'a>, Fault> {
        let fields: Vec<&str> = line.split('|').map(str::trim_end).collect();
        if fields.len() != self.width {
            return Err(("", format!("{} separators, the header has {}", fields.len() - 1, self.width - 1)));
        }
        if line.contains(US) {
            return Err(("", "control character U+001F".into()));
        }
        let row = Row(self.positions.iter().map(|p| p.map_or("", |p| fields[p])).collect());
        let national = row.0[2];
        if self.source == "mss" {
            if row.0[4].is_empty() {
                return Err((self.columns[4], "no address".into()));
            }
            return Ok(row);
        }
        if national.is_empty() || national.strip_prefix(row.0[0]) != Some(row.0[1]) {
            return Err((self.columns[2], "is not the type followed by the number".into()));
        }
        if self.source == "cps" {
            for i in 7..10 {
                if !row.0[i].is_empty() && PartialDate::parse(row.0[i]).is_none() {
                    return Err((self.columns[i], format!("{:?} is not a date", row.0[i])));
                }
            }
            if row.0[6].is_empty() {
                return Err((self.columns[6], "no card number".into()));
            }
        }
        Ok(row)
    }

    /// What a line says, as (entity, piece): a person, and for the activity file the structure and its legal body.
    pub(crate) fn pieces(&self, row: &Row<'_>) -> Vec<(String, Vec<u8>)> {
        let f = &row.0;
        let join = |mark: char, fields: &[&str]| {
            let mut piece = String::from(mark);
            for field in fields {
                piece.push(US);
                piece.push_str(field);
            }
            piece.into_bytes()
        };
        let person = format!("PP:{}", f[2]);
        match self.source {
            "psla" => {
                let mut fields = f[..12].to_vec();
                fields.extend([f[16], f[36], f[38], f[39], f[40]]);
                let mut out = vec![(person, join('P', &fields))];
                if !f[16].is_empty() {
                    let mut fields = f[12..36].to_vec();
                    fields.extend([f[36], f[37]]);
                    out.push((format!("ST:{}", f[16]), join('S', &fields)));
                    if !f[15].is_empty() {
                        out.push((format!("ST:F{}", f[15]), join('J', &[f[15]])));
                    }
                }
                out
            }
            "mss" => {
                let holder = if !f[2].is_empty() && f[3] != "ORG" {
                    person
                } else if f[5] == "1" {
                    format!("ST:F{}", f[6].strip_prefix('1').filter(|n| n.len() == 9).unwrap_or(f[6]))
                } else {
                    // The open files do not tie this number to a technical id: kept, not published.
                    format!("NS:{}", if f[6].is_empty() { f[4] } else { f[6] })
                };
                vec![(holder, join('B', &f[3..]))]
            }
            _ => vec![(person, join('P', f))],
        }
    }
}

/// The object that the pieces of one entity make. Pieces are sorted, so the result does not depend on line order.
pub(crate) fn assemble(source: &str, entity: &str, pieces: &[Vec<u8>]) -> Objet {
    let rows: Vec<Vec<&str>> =
        pieces.iter().map(|p| str::from_utf8(p).unwrap_or_default().split(US).skip(1).collect::<Vec<_>>()).collect();
    let text = |s: &str| s.to_owned();
    let iso = |s: &str| PartialDate::parse(s).map(|d| d.to_string()).unwrap_or_default();
    match source {
        "cps" => Objet::Cartes {
            cartes: rows
                .iter()
                .map(|f| CarteProfessionnel {
                    numero_carte: text(f[6]),
                    type_carte: text(f[5]),
                    profession: text(f[3]),
                    categorie_professionnelle: text(f[4]),
                    date_debut_validite: iso(f[7]),
                    date_fin_validite: iso(f[8]),
                    date_opposition: iso(f[9]),
                })
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        },
        "mss" => Objet::BoitesLettres {
            boites: rows
                .iter()
                .map(|f| BoiteLettresMss {
                    adresse: text(f[1]),
                    type_bal: text(f[0]),
                    service_rattachement: text(f[4]),
                    profession: text(f[5]),
                    structure: text(f[3]),
                })
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        },
        _ if entity.starts_with("ST:") => Objet::Structure(structure(&entity[3..], rows.last().map_or(&[], Vec::as_slice))),
        _ => Objet::Professionnel(person(source, &rows)),
    }
}

fn person(source: &str, rows: &[Vec<&str>]) -> Professionnel {
    let mut p = Professionnel::default();
    for f in rows {
        if p.id_nat_ps.is_empty() {
            p.type_id_nat_pp = f[0].to_owned();
            p.id_pp = f[1].to_owned();
            p.id_nat_ps = f[2].to_owned();
        }
        match source {
            "psla" => activity(&mut p, f),
            "psla-sf" => {
                practice(&mut p, f[3], f[4]).savoir_faire.push(know_how(f[5], f[6]));
            }
            _ => {
                if !f[3].is_empty() || !f[4].is_empty() {
                    p.diplomes.push(Diplome { type_diplome: f[3].to_owned(), code_diplome: f[4].to_owned() });
                }
                if !f[5].is_empty() {
                    p.autorisations
                        .push(AutorisationExercice { type_autorisation: f[5].to_owned(), discipline_autorisee: f[6].to_owned() });
                }
            }
        }
    }
    for e in &mut p.exercices {
        e.savoir_faire.sort();
        e.savoir_faire.dedup();
        e.situations.sort();
        e.situations.dedup();
    }
    p.diplomes.sort();
    p.diplomes.dedup();
    p.autorisations.sort();
    p.autorisations.dedup();
    p
}

fn know_how(kind: &str, code: &str) -> SavoirFaire {
    SavoirFaire { type_savoir_faire: kind.to_owned(), code: code.to_owned() }
}

fn practice<'a>(p: &'a mut Professionnel, profession: &str, categorie: &str) -> &'a mut ExerciceProfessionnel {
    let at = p.exercices.iter().position(|e| e.profession == profession && e.categorie_professionnelle == categorie);
    let at = at.unwrap_or_else(|| {
        p.exercices.push(ExerciceProfessionnel {
            profession: profession.to_owned(),
            categorie_professionnelle: categorie.to_owned(),
            ..Default::default()
        });
        p.exercices.len() - 1
    });
    &mut p.exercices[at]
}

/// A line of the activity file: attributes of the person and the practice repeat, know-how and situation vary.
fn activity(p: &mut Professionnel, f: &[&str]) {
    let national = p.id_nat_ps.clone();
    p.civilite = f[4].to_owned();
    p.autorite_enregistrement = f[13].split('/').next().unwrap_or_default().to_owned();
    let e = practice(p, f[7], f[8]);
    e.civilite_exercice = f[3].to_owned();
    e.nom_exercice = f[5].to_owned();
    e.prenom_exercice = f[6].to_owned();
    if !f[10].is_empty() {
        e.savoir_faire.push(know_how(f[9], f[10]));
    }
    if !f[11].is_empty() || !f[12].is_empty() {
        // The open file has no activity number: a key of its visible attributes stands in. Twenty digits
        // keep 2.3 million of them apart (expected collisions below 1e-6) and look like no national number.
        let key = [&national, f[7], f[8], f[12], f[11], f[14], f[15], f[16]].join("\u{1f}");
        e.situations.push(SituationExercice {
            id_situation_exercice: format!("{:020}", xxhash_rust::xxh3::xxh3_64(key.as_bytes())),
            mode_exercice: f[11].to_owned(),
            structure: f[12].to_owned(),
            section_ordre_pharmacien: f[14].to_owned(),
            role: f[15].to_owned(),
            genre_activite: f[16].to_owned(),
        });
    }
}

fn structure(id: &str, f: &[&str]) -> Structure {
    if let [ej] = f {
        return Structure {
            id_technique: id.to_owned(),
            entite_juridique: true,
            id_nat_struct: format!("1{ej}"),
            num_finess: (*ej).to_owned(),
            ..Default::default()
        };
    }
    let at = |i: usize| f.get(i).copied().unwrap_or_default().to_owned();
    Structure {
        id_technique: id.to_owned(),
        entite_juridique: false,
        num_siret: at(0),
        num_siren: at(1),
        num_finess: at(2),
        num_finess_ej: at(3),
        raison_sociale: at(5),
        enseigne_commerciale: at(6),
        adresse: Adresse {
            point_remise: at(7),
            complement_point_geographique: at(8),
            numero_voie: at(9),
            extension: at(10),
            type_voie: at(11),
            libelle_voie: at(12),
            mention_distribution: at(13),
            bureau_cedex: at(14),
            code_postal: at(15),
            cog_commune: at(16),
            localite: at(17),
            pays: at(18),
        },
        telephones: [at(19), at(20)].into_iter().filter(|t| !t.is_empty()).collect(),
        telecopie: at(21),
        courriel: at(22),
        id_nat_struct: at(23),
        autorite_enregistrement: at(24).split('/').nth(2).unwrap_or_default().to_owned(),
        secteur_activite: at(25),
    }
}
