//! The published profiles as rules on JSON: what a resource must, may and must not hold (guide 1.2.0-snapshot-2, and 1.1.0
//! where it differs on the wire). Independent of the code that writes resources.

use annuaire_nos::Nos;
use serde_json::Value;

const AS: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/";
const FR: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/";
const V2: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";

/// Every breach of a public profile by one resource, in words.
#[must_use]
pub fn check_public(r: &Value) -> Vec<String> {
    let mut c =
        ProfileCheck { at: format!("{}/{}", text(r, "/resourceType"), text(r, "/id")), faults: Vec::new(), restricted: false };
    c.resource(r);
    c.faults
}

/// Faults of a resource of the restricted perimeter against its profile, one sentence each.
#[must_use]
pub fn check_restricted(r: &Value) -> Vec<String> {
    let mut c =
        ProfileCheck { at: format!("{}/{}", text(r, "/resourceType"), text(r, "/id")), faults: Vec::new(), restricted: true };
    c.resource(r);
    c.faults
}

struct ProfileCheck {
    at: String,
    faults: Vec<String>,
    restricted: bool,
}

fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(v: &'a Value, member: &str) -> Vec<&'a Value> {
    v.get(member).and_then(Value::as_array).map(|l| l.iter().collect()).unwrap_or_default()
}

/// Members that a public resource may have besides the common ones.
fn allowed(ty: &str, restricted: bool) -> &'static [&'static str] {
    match (ty, restricted) {
        ("Practitioner", false) => &["extension", "identifier", "active", "name", "telecom", "qualification"],
        ("Practitioner", true) => &[
            "extension",
            "identifier",
            "active",
            "name",
            "telecom",
            "address",
            "gender",
            "birthDate",
            "qualification",
            "communication",
        ],
        ("PractitionerRole", false) => {
            &["identifier", "active", "practitioner", "organization", "code", "location", "telecom", "extension"]
        }
        ("PractitionerRole", true) => {
            &["identifier", "active", "period", "practitioner", "organization", "code", "location", "telecom", "extension"]
        }
        ("Organization", false) => {
            &["extension", "identifier", "active", "type", "name", "alias", "telecom", "address", "partOf"]
        }
        ("Organization", true) => {
            &["extension", "identifier", "active", "type", "name", "alias", "telecom", "address", "partOf", "contact", "endpoint"]
        }
        ("HealthcareService", _) => {
            &["extension", "identifier", "active", "providedBy", "category", "type", "location", "eligibility", "characteristic"]
        }
        ("Device", _) => &["extension", "identifier", "status", "manufacturer", "serialNumber", "type", "owner", "location"],
        ("Person", true) => &[
            "extension",
            "identifier",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "address",
            "managingOrganization",
            "active",
            "link",
        ],
        _ => &[],
    }
}

impl ProfileCheck {
    fn fault(&mut self, what: impl AsRef<str>) {
        self.faults.push(format!("{}: {}", self.at, what.as_ref()));
    }

    fn must(&mut self, holds: bool, what: &str) {
        if !holds {
            self.fault(what);
        }
    }

    fn resource(&mut self, r: &Value) {
        let ty = text(r, "/resourceType").to_owned();
        self.basics(r, "");
        let common = ["resourceType", "id", "meta", "language"];
        for member in r.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !common.contains(&member.as_str()) && !allowed(&ty, self.restricted).contains(&member.as_str()) {
                self.fault(format!("member {member} is not allowed"));
            }
        }
        self.meta(r, &ty);
        let reduced = r["active"] == false || r["status"] == "inactive";
        match ty.as_str() {
            "Practitioner" => self.practitioner(r, reduced),
            "PractitionerRole" => self.role(r),
            "Organization" => self.organization(r),
            "HealthcareService" => self.service(r),
            "Device" => self.device(r),
            "Person" => {}
            other => self.fault(format!("type {other} is not published")),
        }
        self.telecom(r, &ty);
    }

    /// R4 rules that hold everywhere: no empty value, ids, codings, dates.
    fn basics(&mut self, v: &Value, path: &str) {
        match v {
            Value::Null if !path.contains("/_") => self.fault(format!("{path} is null")),
            Value::String(s) if s.is_empty() => self.fault(format!("{path} is an empty string")),
            Value::String(s) if s.trim() != s.as_str() => self.fault(format!("{path} begins or ends with a space")),
            Value::Array(a) if a.is_empty() => self.fault(format!("{path} is an empty array")),
            Value::Array(a) => a.iter().enumerate().for_each(|(i, x)| self.basics(x, &format!("{path}/{i}"))),
            Value::Object(o) if o.is_empty() => self.fault(format!("{path} is an empty object")),
            Value::Object(o) => {
                if let (Some(Value::String(system)), Some(Value::String(code))) = (o.get("system"), o.get("code")) {
                    self.coding(system, code, path);
                }
                if path.ends_with("/coding") || path.contains("/coding/") {
                    self.must(o.contains_key("code"), &format!("{path} has no code"));
                }
                for (name, x) in o {
                    let below = format!("{path}/{name}");
                    match (name.as_str(), x) {
                        ("id", Value::String(id)) if path.is_empty() => {
                            let ok = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
                            self.must(ok, "id is not an R4 id");
                        }
                        ("reference", Value::String(to)) => {
                            let parts: Vec<&str> = to.split('/').collect();
                            self.must(
                                parts.len() == 2 && parts.iter().all(|p| !p.is_empty()),
                                &format!("{below} is not Type/id"),
                            );
                        }
                        ("valueDate" | "birthDate" | "start" | "end", Value::String(d)) => {
                            self.must(date(d), &format!("{below} is not a date: {d}"));
                        }
                        ("lastUpdated", Value::String(d)) => {
                            self.must(d.len() >= 20 && d.contains('T'), &format!("{below} is not an instant: {d}"));
                        }
                        _ => {}
                    }
                    self.basics(x, &below);
                }
            }
            _ => {}
        }
    }

    /// A code of a national table must be in it.
    fn coding(&mut self, system: &str, code: &str, path: &str) {
        let folder = system.strip_prefix("https://mos.esante.gouv.fr/NOS/").and_then(|s| s.split('/').next());
        let Some(table) = folder.and_then(|f| Nos::embedded().table(f.split('-').next().unwrap_or(f))) else { return };
        self.must(table.system == system, &format!("{path}: system {system} is not {}", table.system));
        self.must(table.get(code).is_some(), &format!("{path}: {code} is not in {}", table.name));
    }

    fn meta(&mut self, r: &Value, ty: &str) {
        self.must(r.pointer("/meta/versionId").is_some_and(Value::is_string), "meta.versionId is not a string");
        let source = text(r, "/meta/source");
        let draft = source == "https://annuaire.esante.gouv.fr";
        self.must(draft || source == "https://annuaire.sante.fr", "meta.source is not the directory");
        let suffix = |version: &str| if draft { format!("|{version}") } else { String::new() };
        let perimeter = if self.restricted { "dr" } else { "dp" };
        let name = match ty {
            "HealthcareService" => {
                let care = list(r, "identifier").len() == 1;
                if care {
                    "healthcareservice-healthcare-activity".to_owned()
                } else {
                    "healthcareservice-social-equipment".to_owned()
                }
            }
            other => other.to_lowercase(),
        };
        let own = format!("{AS}as-{perimeter}-{name}{}", suffix("1.2.0-snapshot-2"));
        let numbered = list(r, "identifier").into_iter().any(|i| text(i, "/system") == "https://rpps.esante.gouv.fr");
        // The profile demands an RPPS number: who has none does not follow it.
        let foreseen = ty != "Practitioner" || numbered;
        let mut wanted = if foreseen { vec![own.clone()] } else { Vec::new() };
        let core = match ty {
            "Practitioner" => "fr-core-practitioner",
            "PractitionerRole" => "fr-core-practitioner-role",
            "Organization" => "fr-core-organization",
            _ => "",
        };
        if !core.is_empty() {
            wanted.push(format!("{FR}{core}{}", suffix("2.2.0")));
        }
        let claimed: Vec<&str> =
            r.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        self.must(foreseen || !claimed.contains(&own.as_str()), "a profile that demands an RPPS number is claimed without one");
        for profile in wanted {
            self.must(claimed.contains(&profile.as_str()), &format!("meta.profile lacks {profile}"));
        }
        for e in r.pointer("/meta/extension").and_then(Value::as_array).into_iter().flatten() {
            self.must(text(e, "/url") == format!("{AS}as-ext-data-trace"), "an unknown extension of meta");
            let system = list(e, "extension").into_iter().find(|s| text(s, "/url") == "systeme-information");
            let system = system.map(|s| text(s, "/valueCode")).unwrap_or_default();
            self.must(["RPPS", "FINESS", "CG", "MSS"].contains(&system), "the information system is unknown");
        }
        self.must(text(r, "/language") == "fr", "language is not fr");
    }

    /// (system, type code, value) of the identifiers.
    fn identifiers(&mut self, r: &Value) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        for i in list(r, "identifier") {
            if !self.restricted {
                self.must(
                    i.get("period").is_none() && i.get("assigner").is_none(),
                    "identifier.period and assigner are forbidden",
                );
            }
            let kind = text(i, "/type/coding/0/code").to_owned();
            if !kind.is_empty() {
                self.must(text(i, "/type/coding/0/system") == V2, "an identifier type of another system");
            }
            out.push((text(i, "/system").to_owned(), kind, text(i, "/value").to_owned()));
        }
        out
    }

    fn practitioner(&mut self, r: &Value, reduced: bool) {
        self.must(r["active"].is_boolean(), "active is required");
        let ids = self.identifiers(r);
        let count = |system: &str, kind: &str| ids.iter().filter(|i| i.0 == system && i.1 == kind).count();
        self.must(count("urn:oid:1.2.250.1.71.4.2.1", "IDNPS") == 1, "exactly one IDNPS is required");
        let national = ids.iter().find(|i| i.1 == "IDNPS").map(|i| i.2.clone()).unwrap_or_default();
        // Holders not yet under RPPS exist in the files; the profile does not foresee them.
        if national.starts_with('8') {
            self.must(count("https://rpps.esante.gouv.fr", "RPPS") == 1, "exactly one RPPS number is required");
            self.must(ids.iter().any(|i| i.1 == "RPPS" && national == format!("8{}", i.2)), "IDNPS is not 8 and the RPPS number");
        }
        self.must(list(r, "name").len() <= 1, "more than one name");
        for n in list(r, "name") {
            self.must(self.restricted || n.get("period").is_none(), "name.period is forbidden");
            self.must(list(n, "prefix").len() <= 1, "more than one prefix");
        }
        if !reduced {
            self.must(!list(r, "name").is_empty(), "an active practitioner without name");
        }
        let (mut exercise, mut known) = (0, true);
        for q in list(r, "qualification") {
            if !self.restricted {
                self.must(
                    q.get("period").is_none() && q.get("issuer").is_none(),
                    "qualification.period and issuer are forbidden",
                );
            }
            let systems: Vec<&str> =
                q.pointer("/code/coding").and_then(Value::as_array).into_iter().flatten().map(|c| text(c, "/system")).collect();
            self.must(systems.len() <= 2, "a qualification of more than two codings");
            let has = |table: &str| systems.iter().any(|s| s.contains(&format!("/{table}-")));
            exercise += usize::from(has("TRE_R09"));
            known &= has("TRE_R09") || has("TRE_R04") || has("TRE_R14") || (self.restricted && has("TRE_R03"));
            if !self.restricted && text(r, "/meta/source") == "https://annuaire.esante.gouv.fr" {
                self.must(!has("TRE_G13"), "TRE_G13 left the public perimeter");
            }
        }
        self.must(exercise <= 1, "more than one professional practice");
        self.must(known, "a qualification of no known kind");
        for e in list(r, "extension") {
            let url = text(e, "/url");
            let parts: Vec<&str> = list(e, "extension").into_iter().map(|s| text(s, "/url")).collect();
            let public = ["as-ext-smartcard", "as-ext-practitioner-authorization"];
            let restricted = ["as-ext-registration", "as-ext-digital-certificate"];
            let name = url.strip_prefix(AS).unwrap_or(url);
            self.must(
                public.contains(&name) || (self.restricted && restricted.contains(&name)),
                &format!("extension {url} is not allowed"),
            );
            self.must(self.restricted || !parts.contains(&"oppositionDate"), "the opposition date is restricted");
        }
    }

    fn role(&mut self, r: &Value) {
        self.must(r["active"].is_boolean(), "active is required");
        let ids = self.identifiers(r);
        self.must(
            ids.iter().filter(|i| i.0 == "https://rpps.esante.gouv.fr").count() == 1,
            "exactly one activity identifier is required",
        );
        self.must(text(r, "/practitioner/reference").starts_with("Practitioner/"), "practitioner is required");
        let to = text(r, "/organization/reference");
        self.must(to.is_empty() || to.starts_with("Organization/"), "organization is not an Organization");
        let tables =
            ["TRE_R22", "TRE_R23", "TRE_R24", "TRE_R34", "TRE_R32", "TRE_R21", "TRE_R96", "TRE_R85", "TRE_R06", "TRE_G05"];
        for c in list(r, "code") {
            let system = text(c, "/coding/0/system");
            self.must(list(c, "coding").len() == 1, "a code of several codings");
            self.must(tables.iter().any(|t| system.contains(&format!("/{t}-"))), &format!("code of an unknown table {system:?}"));
        }
    }

    fn organization(&mut self, r: &Value) {
        self.must(r["active"].is_boolean(), "active is required");
        let ids = self.identifiers(r);
        self.must(!ids.is_empty() || r["name"].is_string(), "org-1: an identifier or a name");
        for i in list(r, "identifier") {
            if text(i, "/type/coding/0/code") == "IDNST" {
                self.must(text(i, "/use") == "official", "the national id is not official");
            }
        }
        for (system, kind, _) in &ids {
            let expected = match kind.as_str() {
                "IDNST" => "urn:oid:1.2.250.1.71.4.2.2",
                "FINEJ" | "FINEG" => "https://finess.esante.gouv.fr",
                "SIREN" | "SIRET" => "https://sirene.fr",
                "RPPSRG" | "INTRN" => "https://rppsrang.esante.gouv.fr",
                _ => "",
            };
            self.must(system == expected, &format!("identifier {kind:?} with system {system}"));
        }
        let slices = [
            "organizationType",
            "secteurActiviteRASS",
            "statutJuridiqueINSEE",
            "sphParticipation",
            "typeEtablissement",
            "activiteINSEE",
        ];
        for t in list(r, "type") {
            self.must(list(t, "coding").len() == 1 && !text(t, "/coding/0/system").is_empty(), "a type without its one coding");
            let slice = text(t, "/extension/0/valueCode");
            let category = text(t, "/coding/0/system").contains("TRE_R66");
            self.must(if category { slice.is_empty() } else { slices.contains(&slice) }, "a type of no known nature");
        }
        let extensions = [
            "http://hl7.org/fhir/StructureDefinition/organization-period".to_owned(),
            format!("{AS}as-ext-organization-pharmacy-licence"),
            format!("{AS}as-ext-organization-pricing-model"),
            format!("{AS}as-ext-organization-closing-type"),
            format!("{AS}as-ext-organization-budget-type"),
            format!("{AS}as-ext-organization-authorization-deadline"),
        ];
        for e in list(r, "extension") {
            let url = text(e, "/url");
            let certificate = url == format!("{AS}as-ext-digital-certificate");
            self.must(
                extensions.iter().any(|x| x == url) || (certificate && self.restricted),
                &format!("extension {url} is not allowed"),
            );
        }
        for a in list(r, "address") {
            self.must(text(a, "/use") != "home", "an address of use home");
            let country = text(a, "/country");
            self.must(
                country.is_empty() || Nos::embedded().table("TRE_R20").is_some_and(|t| t.get(country).is_some()),
                "an unknown country",
            );
            let district = text(a, "/district");
            self.must(
                district.is_empty()
                    || Nos::embedded().table("TRE_G09").is_some_and(|t| t.get(district).is_some())
                    || district == "975",
                &format!("an unknown department {district}"),
            );
        }
    }

    fn service(&mut self, r: &Value) {
        self.must(r["active"].is_boolean(), "active is required");
        let social = r.pointer("/meta/profile/0").and_then(Value::as_str).is_some_and(|p| p.contains("social-equipment"));
        let ids = self.identifiers(r);
        if social {
            self.must(ids.is_empty() && r.get("category").is_none(), "social equipment has no identifier and no category");
        } else {
            self.must(ids.len() == 1 && ids[0].0 == "https://arhgos.ars.sante.fr", "exactly one ARHGOS number is required");
            self.must(r.get("eligibility").is_none(), "eligibility is forbidden for care");
        }
    }

    fn device(&mut self, r: &Value) {
        let ids = self.identifiers(r);
        self.must(ids.len() == 1 && ids[0].0 == "https://arhgos.ars.sante.fr", "exactly one ARHGOS number is required");
        self.must(["active", "inactive"].contains(&text(r, "/status")), "status is required");
    }

    fn telecom(&mut self, r: &Value, ty: &str) {
        for t in list(r, "telecom") {
            let secure =
                list(t, "extension").into_iter().find(|e| text(e, "/url") == format!("{FR}fr-core-contact-point-email-type"));
            self.must(!text(t, "/value").is_empty() && !text(t, "/system").is_empty(), "a contact point without system or value");
            if let Some(e) = secure {
                self.must(
                    text(e, "/valueCoding/code") == "MSSANTE" && text(t, "/system") == "email",
                    "a mailbox that is not MSSANTE",
                );
                let parts: Vec<&str> =
                    list(t, "extension").into_iter().flat_map(|m| list(m, "extension")).map(|p| text(p, "/url")).collect();
                self.must(
                    self.restricted || !(parts.contains(&"responsible") || parts.contains(&"listeRouge")),
                    "a restricted mailbox member",
                );
            } else if !self.restricted {
                self.must(ty == "Organization", "a contact point that is not a secure mailbox");
            }
            self.must(self.restricted || t.get("period").is_none(), "telecom.period is forbidden");
        }
    }
}

fn date(d: &str) -> bool {
    let parts: Vec<&str> = d.split('T').next().unwrap_or_default().split('-').collect();
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [y] => digits(y, 4),
        [y, m] => digits(y, 4) && digits(m, 2),
        [y, m, day] => digits(y, 4) && digits(m, 2) && digits(day, 2),
        _ => false,
    }
}

/// Whether an R4 model library, in its strict mode, reads the resource; its words when it does not.
///
/// # Errors
/// What the library says.
pub fn check_model(json: &str) -> Result<(), String> {
    use fhirbolt::serde::{DeserializationConfig, DeserializationMode};
    let config = DeserializationConfig { mode: DeserializationMode::Strict };
    let read: Result<fhirbolt::model::r4::Resource, _> = fhirbolt::json::from_str(json, Some(config));
    read.map(drop).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn breaches_are_named() {
        let r = json!({"resourceType": "Practitioner", "id": "a b", "meta": {"versionId": 1, "source": "x"}, "language": "fr",
            "active": true, "birthDate": "1970-01-01", "identifier": [], "name": [{"family": ""}]});
        let faults = check_public(&r).join("\n");
        for part in
            ["birthDate is not allowed", "not an R4 id", "versionId", "meta.source", "empty array", "empty string", "IDNPS"]
        {
            assert!(faults.contains(part), "{part}: {faults}");
        }
        assert!(check_model(r#"{"resourceType":"Practitioner","nonsense":1}"#).is_err());
        assert!(check_model(r#"{"resourceType":"Practitioner","id":"a","active":true}"#).is_ok());
    }
}
