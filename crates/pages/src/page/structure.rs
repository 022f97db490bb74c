//! The permanent page of a structure: what it is, who practises there, what belongs to it, recent changes.

use std::borrow::Cow;
use std::sync::Arc;

use annuaire_fhir::ids::organization_id;
use annuaire_index::{Error, Filter, Row, Snapshot, Version};
use annuaire_terms::{ParamId, TypeId};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::message::{Message, WithdrawnByLaw, respond_with};
use super::professional::place_facts;
use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::correction::{DataCorrector, corrector_of_structure};
use crate::frame::PageFrame;
use crate::history::{FollowedResource, ShownChange, recent_changes};
use crate::limits;
use crate::query::{PageLinks, QueryFields, ResultPage, encoded};
use crate::resource::activity::activity_line;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::role::{functions, role_labels};
use crate::resource::{referenced, shown_json};
use crate::schema::{
    DEVICE, HEALTHCARE_SERVICE, ORGANIZATION, PRACTITIONER_ROLE, active, device, organization, referring_to, role, service,
    with_code,
};
use crate::sheet::{SheetDates, data_block};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;
use crate::withdrawn::is_withdrawn;

/// The page of a structure.
#[derive(Template)]
#[template(path = "structure.html")]
pub(crate) struct StructurePage {
    pub frame: PageFrame,
    /// Its name, or its number when it has none.
    pub title: String,
    pub structure: OrganizationView,
    /// The structure that it belongs to.
    pub parent: Option<OrganizationView>,
    /// The structures that belong to it.
    pub parts: Vec<OrganizationView>,
    /// Who practises there, as far as this page of the list shows.
    pub people: Vec<PersonThere>,
    /// Situations there, on all pages of the list.
    pub people_total: usize,
    pub activities: Vec<String>,
    pub changes: Vec<ShownChange>,
    pub links: PageLinks,
    pub dates: SheetDates,
    pub corrector: DataCorrector,
    pub fhir_path: String,
    /// Facts for search engines.
    pub data_block: String,
}

impl StructurePage {
    /// Path of what belongs to this page, below the prefix of a proxy.
    fn own_path(&self) -> String {
        format!("{}/structure/{}", self.frame.root, encoded(&self.structure.technical_id))
    }
}

/// Somebody who practises at a structure.
pub(crate) struct PersonThere {
    pub practitioner: PractitionerView,
    /// Mode and functions, with commas.
    pub labels: String,
}

impl Page for StructurePage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        &self.title
    }

    fn fhir_path(&self) -> &str {
        &self.fhir_path
    }
}

/// `GET /structure/{technical id}?page=…`
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Path(technical_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let make_page = move |site: &Site, visit: &Visit| {
        structure_page(site, visit, &technical_id, QueryFields::parse(query.as_deref()).page_number())
    };
    in_turn(site, visit, make_page).await
}

fn structure_page(site: &Site, visit: &Visit, technical_id: &str, page_number: usize) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let version = match published(site, visit, &snapshot, technical_id)? {
        Ok(version) => version,
        Err(message) => return Ok(message),
    };
    let id = organization_id(technical_id);
    let structure = OrganizationView::of_json(&shown_json(&version));
    let reader = Neighbours { snapshot: &snapshot, structure: format!("Organization/{id}") };
    let roles = reader.rows(PRACTITIONER_ROLE, role::ORGANIZATION, active(role::ACTIVE))?;
    let page = ResultPage { number: page_number, size: limits::PEOPLE };
    let path = visit.request.visible_path(&format!("/structure/{}", encoded(technical_id)));
    let people = reader.people(page.select(&roles))?;
    let parts = reader.parts()?;
    let activities = reader.activities()?;
    let parent = referenced(&snapshot, &structure.parent)?.map(|parent| OrganizationView::of_json(&parent));
    let followed = [FollowedResource { ty: ORGANIZATION, id, noun: "Structure" }];
    let frame = PageFrame::translated(site, &visit.request, &[]);
    let page = StructurePage {
        data_block: data_block(&facts(&frame.canonical, &structure)),
        frame,
        title: structure.shown_name(),
        parent,
        parts,
        people,
        people_total: roles.len(),
        activities,
        changes: recent_changes(&snapshot, site.settings.gate.now() / 1_000, &followed)?,
        links: page.links(roles.len(), &path, &[("lang", visit.request.language.parameter())]),
        dates: SheetDates::new(
            &snapshot,
            visit.request.language,
            &structure.trace.updated,
            (version.last_updated_ms, version.tx),
        ),
        corrector: corrector_of_structure(&structure.trace.authority),
        fhir_path: format!("/fhir/v2/{}", reader.structure),
        structure,
    };
    Ok(respond(&visit.request, &page))
}

/// A structure that is published, or the message that none is under this number.
pub(crate) fn published(
    site: &Site,
    visit: &Visit,
    snapshot: &Snapshot,
    technical_id: &str,
) -> Result<Result<Version, Response>, Error> {
    let id = organization_id(technical_id);
    if let Some(version) = snapshot.current(ORGANIZATION, &id)? {
        return Ok(Ok(version));
    }
    Ok(Err(match is_withdrawn(snapshot, ORGANIZATION, &id)? {
        true => respond_with(site, &visit.request, WithdrawnByLaw),
        false => respond_with(site, &visit.request, UnknownStructure),
    }))
}

/// The structure in the words of schema.org.
fn facts(address: &str, structure: &OrganizationView) -> Value {
    let mut facts = place_facts(structure);
    facts["@context"] = json!("https://schema.org");
    facts["@type"] = json!("Organization");
    facts["@id"] = json!(address);
    facts["url"] = json!(address);
    if !structure.alias.is_empty() {
        facts["alternateName"] = json!(structure.alias);
    }
    facts
}

/// Reads the resources that refer to a structure.
struct Neighbours<'a> {
    snapshot: &'a Snapshot,
    /// `Organization/id`.
    structure: String,
}

impl Neighbours<'_> {
    /// Resources that refer to the structure by `param` and fulfil `live`, in the order of the store.
    fn rows(&self, ty: TypeId, param: ParamId, live: Filter) -> Result<Vec<Row>, Error> {
        let filter = Filter::And(vec![referring_to(param, &self.structure), live]);
        Ok(self.snapshot.search(ty, &filter)?.iter().map(Row::new).collect())
    }

    fn read(&self, rows: &[Row]) -> Result<Vec<Value>, Error> {
        rows.iter().map(|row| self.snapshot.read(*row).map(|version| shown_json(&version))).collect()
    }

    /// Who practises there by the situations of `roles`, in the order of names.
    fn people(&self, roles: &[Row]) -> Result<Vec<PersonThere>, Error> {
        let mut people: Vec<PersonThere> = Vec::new();
        for role in self.read(roles)? {
            let practitioner = role.pointer("/practitioner/reference").and_then(Value::as_str).unwrap_or_default();
            if let Some(practitioner) = referenced(self.snapshot, practitioner)? {
                let labels = role_labels(&role).join(", ");
                let mut practitioner = PractitionerView::of_json(&practitioner);
                practitioner.name_by_role(&functions(&role));
                people.push(PersonThere { practitioner, labels });
            }
        }
        people.sort_by(|a, b| {
            (&a.practitioner.family, &a.practitioner.given).cmp(&(&b.practitioner.family, &b.practitioner.given))
        });
        Ok(people)
    }

    /// The first structures that belong to it, in the order of names.
    fn parts(&self) -> Result<Vec<OrganizationView>, Error> {
        let rows = self.rows(ORGANIZATION, organization::PART_OF, active(organization::ACTIVE))?;
        let resources = self.read(&rows[..rows.len().min(limits::PARTS)])?;
        let mut parts: Vec<OrganizationView> = resources.iter().map(OrganizationView::of_json).collect();
        parts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(parts)
    }

    /// Its first activities and equipments, each line once, in their order.
    fn activities(&self) -> Result<Vec<String>, Error> {
        let mut lines: Vec<String> = Vec::new();
        for (ty, param, live) in [
            (HEALTHCARE_SERVICE, service::ORGANIZATION, active(service::ACTIVE)),
            (DEVICE, device::ORGANIZATION, with_code(device::STATUS, "active")),
        ] {
            let rows = self.rows(ty, param, live)?;
            lines.extend(self.read(&rows[..rows.len().min(limits::PARTS)])?.iter().map(activity_line));
        }
        lines.sort();
        lines.dedup();
        Ok(lines)
    }
}

/// No structure was published under this number.
pub(crate) struct UnknownStructure;

impl Message for UnknownStructure {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const HEADING: &'static str = "Structure inconnue";

    fn text(&self) -> Cow<'static, str> {
        "Aucune structure n’est publiée sous ce numéro. Vérifiez l’adresse ou lancez une recherche.".into()
    }
}
