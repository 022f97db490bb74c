//! The two FINESS+ documents of the fictional nation: structures omit empty keys, activities write explicit nulls.

use crate::dice::{Dice, keyed};
use crate::places::{Address, StructureKind, site_address};
use crate::plan::Plan;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// What the second delivery changes here, one in a thousand bodies: (closed establishments, closed activities).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChangedDocuments {
    pub structures: u64,
    pub activities: u64,
}

fn address(a: &Address, usage: &str) -> Value {
    json!({
        "usageAdresse": usage,
        "numeroVoie": a.number,
        // Street types are padded in part of the published records.
        "typeVoie": if a.number.ends_with('7') { format!("{} ", a.way.0) } else { a.way.0.to_owned() },
        "libelleVoie": a.street,
        "cogCommune": a.insee,
        "ligneAcheminement": a.town,
        "ligneQuatre": format!("{} {} {}", a.number, a.way.0, a.street),
        "codePostal": a.postal,
    })
}

fn contact(a: &Address) -> Value {
    json!([{"typeContact": {"roleContact": "01"}, "telecom": {"telephone": a.phone}}])
}

/// Internal key of a body, of an establishment.
fn key(kind: StructureKind, body: u64, site: u64) -> String {
    format!("{}{body:06}{site}", kind as u64 + 1)
}

/// A body that the second delivery closes.
fn closes(plan: &Plan, kind: StructureKind, body: u64) -> bool {
    kind == StructureKind::Other && !kind.closed(plan.seed, body) && Dice::new(plan.seed, 40, body).once_in(10)
}

/// An activity that the second delivery closes.
fn activity_closes(plan: &Plan, id: u64) -> bool {
    Dice::new(plan.seed, 41, id).below(1_000) < u64::from(plan.changed_per_mille)
}

/// Writes `finess-structures`.
pub(crate) fn structures(out: &mut dyn Write, plan: &Plan, second: bool) -> Result<u64> {
    let n = u64::from(plan.professionals);
    let mut changed = 0;
    write!(
        out,
        "{{\"schemaVersion\":\"v1.0.0\",\"generatedAt\":\"2026-11-01T02:06:22.123456789Z\",\"gcc\":[],\"gco\":[],\"pmej\":["
    )?;
    let mut first = true;
    for kind in StructureKind::ALL {
        for body in 0..kind.bodies(n) {
            let closing = closes(plan, kind, body);
            let closed = kind.closed(plan.seed, body) || (second && closing);
            if second && closing {
                changed += 1 + kind.sites(plan.seed, body);
            }
            let state = if closed { "I" } else { "A" };
            let sites: Vec<Value> =
                (0..kind.sites(plan.seed, body)).map(|site| establishment(plan, kind, body, site, closed)).collect();
            let a = site_address(plan.seed, kind, body, 0);
            let mut general = json!({
                "pmSmsseId": key(kind, body, 9),
                "codeApe": "86.10Z",
                "dateCreation": "1998-01-01",
                "denominationPm": kind.name(body, 0),
                "denominationLonguePmSmsse": format!("{:<60}", kind.name(body, 0)),
                "numFinessPm": kind.ej(body),
                "siren": keyed(&format!("{:08}", 10_000_000 + (kind as u64) * 1_000_000 + body)),
                "statutJuridique": if kind == StructureKind::Hospital { "13" } else { "60" },
                "typePersonneMorale": "01",
            });
            if closed {
                general["dateFermeture"] = json!(if second && closing { "2026-11-02" } else { "2019-06-30" });
            }
            let record = json!({
                "informationsGeneralesPMEJ": general,
                "adresse": [address(&a, "02")],
                "contact": contact(&a),
                "engagement": [],
                "evenement": [],
                "ege": sites,
                "etatObjet": state,
                "dateDerniereMaj": "2025-10-21 19:19:05",
            });
            out.write_all(if first { b"\n" } else { b",\n" })?;
            first = false;
            serde_json::to_writer(&mut *out, &record)?;
        }
    }
    out.write_all(b"]}\n")?;
    Ok(changed)
}

fn establishment(plan: &Plan, kind: StructureKind, body: u64, site: u64, closed: bool) -> Value {
    let a = site_address(plan.seed, kind, body, site);
    let siren = keyed(&format!("{:08}", 10_000_000 + (kind as u64) * 1_000_000 + body));
    let mut general = json!({
        "egeId": key(kind, body, site),
        "dateOuverture": "1998-01-01",
        "datePremiereAutorisation": "1998-01-01",
        "nomEgeCourt": kind.name(body, site),
        "nomEgeLong": kind.name(body, site),
        "numFinessEge": kind.eg(body, site),
        "siret": keyed(&format!("{siren}{:04}", site + 1)),
    });
    if kind == StructureKind::Hospital {
        general["espic"] = json!(["1"]);
    }
    if closed {
        general["dateFermeture"] = json!(if kind.closed(plan.seed, body) { "2019-06-30" } else { "2026-11-02" });
    }
    let mut record = json!({
        "informationsGeneralesEGE": general,
        "categorieentiteGeographiqueExercice": kind.sector().1,
        "adresse": [address(&a, "03")],
        "contact": contact(&a),
        "engagement": [],
        "evenement": [],
        "etatObjet": if closed { "I" } else { "A" },
        "dateDerniereMaj": "2025-10-21 19:19:05",
    });
    if kind == StructureKind::Hospital {
        record["modefixationtarifaire"] = json!("03");
        record["typeBudget"] = json!(["01"]);
    }
    record
}

/// Natures of the activities of an establishment: (nature, type object, capacity).
fn natures(kind: StructureKind, dice: &mut Dice) -> Vec<(&'static str, Value, u64)> {
    let care = |code: &str, form: &str| json!({"activiteAMF": code, "modaliteActivite": "00", "formeActivite": form});
    match kind {
        StructureKind::Hospital => {
            let mut all: Vec<(&'static str, Value, u64)> = ["01", "02", "03", "04", "14"]
                .iter()
                .map(|code| ("AMF", json!({"typeActiviteAMF": care(code, "01")}), 0))
                .collect();
            all.push(("AMF", json!({"typeActiviteAMF": care("02", "07")}), 0));
            all.push(("AMM", json!({"typeActiviteAMM": {"activiteAMM": "QA014", "modaliteAMM": "MO030", "mentionAMM": "ME000", "ptsAMM": null, "declarationAMM": null}, "appareil": []}), 0));
            all.push(("EML", json!({"typeActiviteEML": {"typeEmlId": "1"}, "marque": null, "numeroSerie": null}), 0));
            all
        }
        StructureKind::Social => {
            let nature = if dice.once_in(2) { "AMSR" } else { "ASMR" };
            let of = |public: &str| {
                json!({"typeActiviteAMSR": {"activiteSocialeRegulee": "924", "modeFonctionnement": "11", "public": public},
                    "ageMinAutorise": "60", "ageMaxAutorise": null, "ageMinInstalle": null, "ageMaxInstalle": null})
            };
            vec![(nature, of("711"), 40 + dice.below(80)), (nature, of("436"), 8 + dice.below(12))]
        }
        _ => Vec::new(),
    }
}

fn activity(id: u64, authorised: Option<u64>, place: Option<&str>, one: &(&str, Value, u64), closed: bool) -> Value {
    let mut specific = one.1.clone();
    specific["activiteAeId"] = Value::Null;
    if one.0 == "EML" && authorised.is_none() {
        specific["marque"] = json!("IMAGERIE FICTIVE SA");
        specific["numeroSerie"] = json!(format!("FICT-{id:07}"));
    }
    let arhgos = matches!(one.0, "AMF" | "AMM" | "EML").then(|| format!("99-99-{:05}", authorised.unwrap_or(id)));
    let capacity = |status: &str, n: u64| {
        json!({"idCapacite": format!("{id}{status}"), "nombre": n.to_string(), "precision": null, "variation": null, "engagementId": null,
            "habilitation": null, "statutCapacite": status, "modeFinancement": null, "uniteMesureCapacite": "02", "typeLogement": null, "genre": null})
    };
    let capacities = match (one.2, authorised) {
        (0, _) => Vec::new(),
        (n, None) => vec![capacity("09", n)],
        (n, Some(_)) => vec![capacity("09", n), capacity("08", n - n / 20)],
    };
    json!({
        "caracteristiquesGeneriques": {
            "activiteAeId": id.to_string(),
            "etatObjet": if closed { "I" } else { "A" },
            "identifiantAutorisation": authorised.map(|a| a.to_string()),
            "numAutorisationArhgos": arhgos,
            "dateDebutActiviteAutorisee": "2009-06-10",
            "dateFinActiviteAutorisee": null,
            "dateFinEffectiveActivite": if closed { json!("2026-11-02") } else { Value::Null },
            "dateCaduciteAutorisation": null,
            "egeId": place,
            "typeActiviteSMSSE": "178",
        },
        "nature": {"codeNature": one.0, "caracteristiquesSpecifiques": specific},
        "evenement": [{"evenementId": format!("9{id}"), "dateEnregistrement": "2025-10-21 19:19:05", "dateEvenement": "2016-06-01",
            "etatObjet1": "012", "identifiantObjet1": id.to_string(), "systemeMaitre": "01", "typeObjet1": "AC", "codeEvenement": "012"}],
        "engagement": [],
        "capacite": capacities,
        "zoneIntervention": null,
    })
}

/// Writes `finess-activites`: as many authorised activities as exercised ones.
pub(crate) fn activities(out: &mut dyn Write, plan: &Plan, second: bool) -> Result<u64> {
    let n = u64::from(plan.professionals);
    let mut changed = 0;
    write!(out, "{{\"schemaVersion\":\"v1.0.0\",\"generatedAt\":\"2026-11-01T02:06:22.123456789Z\",\"pmej\":[")?;
    let (mut first, mut id) = (true, 500_000);
    for kind in [StructureKind::Hospital, StructureKind::Social] {
        for body in 0..kind.bodies(n) {
            if kind.closed(plan.seed, body) {
                continue;
            }
            let (mut authorised, mut sites) = (Vec::new(), Vec::new());
            for site in 0..kind.sites(plan.seed, body) {
                let place = key(kind, body, site);
                let mut exercised = Vec::new();
                for one in natures(kind, &mut Dice::new(plan.seed, 42, body * 8 + site)) {
                    let closed = second && activity_closes(plan, id);
                    changed += u64::from(closed);
                    authorised.push(activity(id, None, None, &one, false));
                    exercised.push(activity(id + 1, Some(id), Some(&place), &one, closed));
                    id += 2;
                }
                sites.push(json!({"egeId": place, "numFinessEge": kind.eg(body, site), "activitesExercees": exercised}));
            }
            let record = json!({"numFiness": kind.ej(body), "pmSmsseId": key(kind, body, 9), "activitesAutorisees": authorised, "ege": sites});
            out.write_all(if first { b"\n" } else { b",\n" })?;
            first = false;
            serde_json::to_writer(&mut *out, &record)?;
        }
    }
    out.write_all(b"]}\n")?;
    Ok(changed)
}
