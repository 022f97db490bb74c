//! The search: people and structures that fit what was typed.

use std::borrow::Cow;
use std::sync::Arc;

use annuaire_finder::concept::Family;
use annuaire_finder::find::{self, Fit, Listing, Question};
use annuaire_finder::place::{Place, PlaceReading, read_place};
use annuaire_finder::reading::{Typed, TypedReading, read_typed};
use annuaire_index::{Error, Filter, Snapshot};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::message::Message;
use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::frame::PageFrame;
use crate::french::{french_count, french_number_of};
use crate::limits;
use crate::query::{PageLinks, QueryFields, ResultPage, SearchForm, WantedKind, search_link};
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::resource::situation::PracticeView;
use crate::schema::{ORGANIZATION, PRACTITIONER};
use crate::search::{self, AdvancedCriteria, Direct};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// What a search found, and what it understood.
#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
    /// How many people and structures were found.
    pub summary: String,
    /// What was understood, where that is not plain; sentences.
    pub understood: Vec<String>,
    /// A search for exactly what was typed, when other spellings were looked for too: link and text.
    pub exactly: Option<(String, String)>,
    /// Conditions that can be taken off: what they are, and the search without them.
    pub chips: Vec<(String, String)>,
    /// Professions and specialties of the people found: what, how many, and the search for these alone.
    pub facets: Vec<(&'static str, String, String)>,
    /// People and structures, the better ones first.
    pub blocks: Vec<ResultBlock>,
    /// Other searches that find something, when this one does not: link and text.
    pub others: Vec<(String, String)>,
    pub links: PageLinks,
}

/// The results of one kind on a page.
pub(crate) struct ResultBlock {
    pub heading: &'static str,
    pub people: Vec<PracticeView>,
    pub structures: Vec<OrganizationView>,
    /// How many there are, and the link to all of them when not all are shown.
    pub all: Option<(String, String)>,
}

impl Page for SearchPage<'_> {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        &self.summary
    }
}

/// The form again, for a search without anything to look for.
#[derive(Template)]
#[template(path = "search_without_criteria.html")]
pub(crate) struct SearchWithoutCriteriaPage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
    /// What was typed and means nothing; empty when nothing was.
    pub typed: String,
}

impl Page for SearchWithoutCriteriaPage<'_> {
    const STATUS: StatusCode = StatusCode::BAD_REQUEST;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        "Recherche à préciser"
    }
}

/// The form with all criteria.
#[derive(Template)]
#[template(path = "advanced.html")]
pub(crate) struct AdvancedPage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
}

impl Page for AdvancedPage<'_> {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "Recherche avancée"
    }
}

/// A page beyond the last one.
pub(crate) struct PageBeyondLast;

impl Message for PageBeyondLast {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const HEADING: &'static str = "Page de résultats inexistante";

    fn text(&self) -> Cow<'static, str> {
        "Cette recherche a moins de pages de résultats. Revenez à la première page, ou précisez la recherche.".into()
    }
}

/// `GET /recherche?q=…&ou=…`, with the criteria of the advanced form beside them.
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    in_turn(site, visit, move |site, visit| search_page(site, visit, &QueryFields::parse(query.as_deref()))).await
}

/// `GET /structures?nom=…&lieu=…`, the address of former editions: leads to the search.
pub(crate) async fn structures(State(_): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let fields = QueryFields::parse(query.as_deref());
    let (what, place) = (fields.either("q", "nom"), fields.either("ou", "lieu"));
    let target = if what.is_empty() && place.is_empty() {
        visit.request.visible_path("/")
    } else {
        search_link(&visit.request.visible_path("/recherche"), &[("q", what), ("ou", place), ("type", "structures")])
    };
    redirect(&target, StatusCode::MOVED_PERMANENTLY)
}

/// `GET /recherche/avancee`
pub(crate) async fn advanced(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let form = SearchForm::new(&QueryFields::parse(query.as_deref()), &site.choices);
    respond(&visit.request, &AdvancedPage { frame: PageFrame::new(&site, &visit.request), form })
}

fn redirect(target: &str, status: StatusCode) -> Response {
    let mut response = status.into_response();
    // Made of encoded values: it is visible ASCII.
    if let Ok(target) = HeaderValue::from_str(target) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    CachePolicy::Revalidate.apply(&mut response);
    response
}

fn search_page(site: &Site, visit: &Visit, fields: &QueryFields) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let (frame, form) = (PageFrame::new(site, &visit.request), SearchForm::new(fields, &site.choices));
    let typed = read_typed(&form.q);
    let advanced = AdvancedCriteria::new(fields);
    if typed == Typed::Nothing && (!form.q.is_empty() || form.ou.is_empty() && form.family.is_none() && advanced.is_empty()) {
        let typed = form.q.clone();
        return Ok(respond(&visit.request, &SearchWithoutCriteriaPage { frame, form, typed }));
    }
    let place = if form.ou.is_empty() { None } else { Some(read_place(&form.ou)) };
    let searched = Searched { snapshot: &snapshot, root: visit.request.visible_path(""), form: &form, place: place.as_ref() };
    let direct = match &typed {
        Typed::Numbers(numbers) => Some(search::by_numbers(&snapshot, numbers)?),
        Typed::Mailbox(address) => Some(search::by_mailbox(&snapshot, address)?),
        Typed::Nothing | Typed::Words(_) => None,
    };
    if let Some(direct) = &direct
        && let Some(sheet) = direct.only_sheet(&snapshot)?
    {
        return Ok(redirect(&visit.request.visible_path(&sheet), StatusCode::SEE_OTHER));
    }
    let readings: &[TypedReading] = if let Typed::Words(readings) = &typed { readings } else { &[] };
    let (people, structures) = match direct {
        Some(Direct { people, structures, .. }) => (people, structures),
        None => searched.both(readings, &advanced)?,
    };
    let page = ResultPage { number: fields.page_number(), size: limits::RESULTS };
    let shown = [(&people, WantedKind::People), (&structures, WantedKind::Structures)];
    let most = shown.iter().filter(|(_, wanted)| form.wanted == Some(*wanted)).map(|(listing, _)| listing.total()).max();
    let is_beyond = match most {
        Some(total) => page.number > 1 && page.start() as u64 >= total,
        None => page.number > 1,
    };
    if is_beyond {
        return Ok(super::message::respond_with(site, &visit.request, PageBeyondLast));
    }
    let blocks = searched.blocks(&people, &structures, page)?;
    let is_empty = blocks.is_empty();
    let mut understood = searched.understood(&typed, &people, &structures);
    if fields.is_cut {
        understood.insert(0, format!("Seuls les {} premiers signes de chaque champ ont été lus.", limits::FIELD_CHARS));
    }
    let links = most.map_or_else(PageLinks::default, |total| {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        page.links(total, &visit.request.visible_path("/recherche"), &form.criteria())
    });
    let page = SearchPage {
        frame,
        summary: searched.summary(&people, &structures),
        exactly: searched.exactly(&people, &structures),
        chips: searched.chips(),
        facets: if direct_only(&typed) { Vec::new() } else { searched.facets(&people)? },
        others: if is_empty { searched.others(readings)? } else { Vec::new() },
        understood,
        blocks,
        links,
        form: form.clone(),
    };
    Ok(respond(&visit.request, &page))
}

fn direct_only(typed: &Typed) -> bool {
    matches!(typed, Typed::Numbers(_) | Typed::Mailbox(_))
}

/// A search, and what it was asked.
struct Searched<'s> {
    snapshot: &'s Snapshot,
    /// Prefix of a proxy.
    root: String,
    form: &'s SearchForm<'s>,
    place: Option<&'s PlaceReading>,
}

impl Searched<'_> {
    fn places(&self) -> &[Place] {
        self.place.map_or(&[], |reading| &reading.places)
    }

    /// People and structures, as far as they are wanted.
    fn both(&self, readings: &[TypedReading], advanced: &AdvancedCriteria<'_>) -> Result<(Listing, Listing), Error> {
        let mut of_people: Vec<Filter> = advanced.of_people();
        of_people.extend(self.form.family.map(|family| find::any_code(&family.codes)));
        let question = Question {
            readings,
            places: self.places(),
            of_people,
            of_structures: advanced.of_structures(),
            is_literal: self.form.is_exact,
        };
        let wants = |wanted| self.form.wanted.is_none_or(|only| only == wanted);
        let people =
            if wants(WantedKind::People) { find::people(self.snapshot, &question)? } else { Listing::none(PRACTITIONER) };
        let wants_structures = wants(WantedKind::Structures) && self.form.family.is_none() && !advanced.is_of_people_alone();
        let structures = if wants_structures { find::structures(self.snapshot, &question)? } else { Listing::none(ORGANIZATION) };
        Ok((people, structures))
    }

    /// The blocks of results, the better fitting one first.
    fn blocks(&self, people: &Listing, structures: &Listing, page: ResultPage) -> Result<Vec<ResultBlock>, Error> {
        let mut blocks = Vec::new();
        for (listing, wanted) in [(people, WantedKind::People), (structures, WantedKind::Structures)] {
            let is_alone = self.form.wanted == Some(wanted);
            let (skip, limit) = if is_alone { (page.start(), page.size) } else { (0, limits::FIRST_LOOK) };
            let rows = listing.page(self.snapshot, skip, limit)?;
            if rows.is_empty() {
                continue;
            }
            let mut block = ResultBlock {
                heading: if wanted == WantedKind::People { "Professionnels" } else { "Structures" },
                people: Vec::new(),
                structures: Vec::new(),
                all: None,
            };
            for row in &rows {
                let resource = shown_json(&self.snapshot.read(*row)?);
                if wanted == WantedKind::People {
                    block.people.push(PracticeView::with_situations(self.snapshot, PractitionerView::of_json(&resource))?);
                } else {
                    block.structures.push(OrganizationView::of_json(&resource));
                }
            }
            if !is_alone && listing.total() > rows.len() as u64 {
                let what = match wanted {
                    WantedKind::People => french_number_of(listing.total(), "professionnel", "professionnels"),
                    WantedKind::Structures => french_number_of(listing.total(), "structure", "structures"),
                };
                block.all = Some((self.link(&[("type", wanted.code())]), format!("Voir les {what}")));
            }
            blocks.push((listing.fit, block));
        }
        blocks.sort_by_key(|(fit, _)| *fit);
        Ok(blocks.into_iter().map(|(_, block)| block).collect())
    }

    fn summary(&self, people: &Listing, structures: &Listing) -> String {
        let of_people = french_number_of(people.total(), "professionnel trouvé", "professionnels trouvés");
        let of_structures = french_number_of(structures.total(), "structure trouvée", "structures trouvées");
        match (self.form.wanted, people.total(), structures.total()) {
            (None, 0, 0) => "Aucun résultat".to_owned(),
            (Some(WantedKind::People), ..) | (None, _, 0) => of_people,
            (Some(WantedKind::Structures), ..) | (None, 0, _) => of_structures,
            (None, ..) => format!("{of_people}, {of_structures}"),
        }
    }

    /// What was understood, where it is not what was typed.
    fn understood(&self, typed: &Typed, people: &Listing, structures: &Listing) -> Vec<String> {
        let mut sentences = Vec::new();
        match typed {
            Typed::Numbers(numbers) => sentences.extend(search::number_sentences(numbers, people.total() + structures.total())),
            Typed::Mailbox(_) => sentences.push("Compris : une adresse de messagerie sécurisée.".to_owned()),
            Typed::Nothing | Typed::Words(_) => {}
        }
        let best = if people.fit <= structures.fit { people } else { structures };
        if let Some(reading) = &best.reading
            && (reading.place.is_some() || reading.concept.is_some())
        {
            let mut parts = Vec::new();
            if !reading.name.is_empty() {
                parts.push(format!("nom « {} »", reading.name.join(" ")));
            }
            parts.extend(reading.concept.iter().map(|concept| format!("profession ou spécialité « {} »", concept.label)));
            parts.extend(
                reading.place.iter().filter(|_| self.places().is_empty()).map(|place| format!("lieu « {} »", place.label)),
            );
            sentences.push(format!("Compris : {}.", parts.join(", ")));
        }
        if let Some(reading) = self.place {
            match (&reading.places[..], reading.is_exact, reading.rest.is_empty()) {
                ([], ..) => sentences.push(format!(
                    "Aucun lieu de France ne s’appelle « {} » : la recherche porte sur tout le pays.",
                    self.form.ou
                )),
                ([first, rest @ ..], false, _) => {
                    let others = if rest.is_empty() { String::new() } else { format!(" (ou {})", labels(rest)) };
                    sentences
                        .push(format!("Aucun lieu ne s’écrit « {} ». Lieu compris : {}{others}.", self.form.ou, first.label));
                }
                ([first, ..], true, false) => {
                    sentences.push(format!("Lieu compris : {} ; « {} » n’a pas été utilisé.", first.label, reading.rest));
                }
                ([_, _, ..], true, true) => sentences.push(format!("Lieux de ce nom : {}.", labels(&reading.places))),
                ([_], true, true) => {}
            }
        }
        if best.literal == 0 && best.fit == Fit::Near && !self.form.is_exact {
            let found: Vec<String> = best.corrections.iter().map(|(_, found)| format!("« {found} »")).collect();
            sentences.push(if found.is_empty() {
                "Aucun nom ne s’écrit ainsi. Voici des noms proches.".to_owned()
            } else {
                format!("Aucun nom ne s’écrit ainsi. Résultats pour {} et des noms proches.", found.join(" "))
            });
        }
        sentences
    }

    /// The search for exactly what was typed, when near names are shown.
    fn exactly(&self, people: &Listing, structures: &Listing) -> Option<(String, String)> {
        let has_near = [people, structures].iter().any(|listing| listing.total() > listing.literal);
        (has_near && !self.form.q.is_empty())
            .then(|| (self.link(&[("exact", "1")]), format!("Chercher exactement « {} »", self.form.q)))
    }

    /// The conditions beside the words, each with the search without it.
    fn chips(&self) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        if let Some(family) = self.form.family {
            chips.push((family.label.to_owned(), self.link(&[("metier", "")])));
        }
        if !self.form.ou.is_empty() && (!self.form.q.is_empty() || self.form.family.is_some()) {
            chips.push((self.form.ou.clone(), self.link(&[("ou", "")])));
        }
        if let Some(wanted) = self.form.wanted {
            let what = if wanted == WantedKind::People { "Professionnels seulement" } else { "Structures seulement" };
            chips.push((what.to_owned(), self.link(&[("type", "")])));
        }
        if self.form.is_exact {
            chips.push(("Orthographe exacte".to_owned(), self.link(&[("exact", "")])));
        }
        for (name, label, value) in self.form.advanced() {
            chips.push((format!("{label} : {value}"), self.link(&[(name, "")])));
        }
        chips
    }

    /// Professions and specialties of the people found, most people first.
    fn facets(&self, people: &Listing) -> Result<Vec<(&'static str, String, String)>, Error> {
        if people.total() <= limits::RESULTS as u64 || self.form.family.is_some() {
            return Ok(Vec::new());
        }
        let rows = people.rows();
        let mut counted: Vec<(u64, &'static Family)> = Vec::new();
        for family in annuaire_finder::concept::families() {
            let of_family = self.snapshot.search(PRACTITIONER, &find::any_code(&family.codes))?;
            counted.push((rows.intersection_len(&of_family), family));
        }
        counted.retain(|(count, _)| *count > 0);
        counted.sort_by(|a, b| (b.0, a.1.label).cmp(&(a.0, b.1.label)));
        counted.truncate(limits::FACETS);
        let facet = |(count, family): (u64, &'static Family)| {
            let link = self.link(&[("metier", family.label), ("type", WantedKind::People.code())]);
            (family.label, french_count(count), link)
        };
        Ok(counted.into_iter().map(facet).collect())
    }

    /// Searches that find something when this one does not: without one of its conditions.
    fn others(&self, readings: &[TypedReading]) -> Result<Vec<(String, String)>, Error> {
        let mut others = Vec::new();
        let mut offer = |link: String, what: &str, question: &Question<'_>| {
            let (people, structures) = (find::people(self.snapshot, question)?, find::structures(self.snapshot, question)?);
            let total = people.total() + structures.total();
            if total > 0 {
                others.push((link, format!("{what} ({})", french_number_of(total, "résultat", "résultats"))));
            }
            Ok::<_, Error>(())
        };
        let places = self.places();
        let of_family: Vec<Filter> = self.form.family.iter().map(|family| find::any_code(&family.codes)).collect();
        if !places.is_empty() && !self.form.q.is_empty() {
            let everywhere = Question { readings, of_people: of_family.clone(), ..Question::default() };
            offer(self.link(&[("ou", "")]), "La même recherche dans toute la France", &everywhere)?;
            let there = Question { places, of_people: of_family, ..Question::default() };
            offer(self.link(&[("q", "")]), "Tous ceux de ce lieu", &there)?;
        }
        if self.form.family.is_some() {
            let any = Question { readings, places, ..Question::default() };
            offer(self.link(&[("metier", "")]), "Toutes professions", &any)?;
        }
        if self.form.is_exact {
            let near = Question { readings, places, ..Question::default() };
            offer(self.link(&[("exact", "")]), "Avec les noms proches", &near)?;
        }
        Ok(others)
    }

    /// This search with some fields changed; an empty value takes a field away. The page is the first one.
    fn link(&self, changed: &[(&str, &str)]) -> String {
        let criteria = self.form.criteria();
        let kept = criteria.iter().copied().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let fields: Vec<(&str, &str)> = kept.chain(changed.iter().copied()).collect();
        search_link(&format!("{}/recherche", self.root), &fields)
    }
}

fn labels(places: &[Place]) -> String {
    let first: Vec<&str> = places.iter().take(limits::PLACES_TOLD).map(|place| place.label.as_str()).collect();
    let more = if places.len() > first.len() { "…" } else { "" };
    format!("{}{more}", first.join(", "))
}
