//! A published resource under construction: its bytes, and the terms by which a search finds it.
//!
//! `write_…` writes a member and indexes it, `index_…` adds a term alone, and members that no search parameter reads are written
//! straight through [`Form::json`].

use crate::extensions;
use crate::json::JsonWriter;
use crate::schema::params::{self, Param};
use crate::schema::{self, PERIOD_END, type_name};
use crate::systems::{BOOLEAN, DIRECTORY_PROFILES, FRENCH_CORE_PROFILES, IDENTIFIER_TYPES};
use crate::view::{View, profile_code};
use annuaire_mos::Professionnel;
use annuaire_nos::{Nos, coding};
use annuaire_terms::{Presence, Resource, Term, TypeId};

/// Origin of the facts of a described resource (`as-ext-data-trace`).
pub(crate) struct DataTrace<'a> {
    /// Label or code of the registration authority, as the source wrote it; empty when the source gave none.
    pub(crate) authority: &'a str,
    /// Code of the information system: `RPPS` or `FINESS`.
    pub(crate) system: &'static str,
    /// Day of the last update at the authority; empty when it is not known.
    pub(crate) updated: &'a str,
}

impl<'a> DataTrace<'a> {
    pub(crate) fn of_professional(p: &'a Professionnel) -> Self {
        Self { authority: &p.autorite_enregistrement, system: "RPPS", updated: &p.date_maj }
    }
}

/// Profiles that a resource claims to follow.
#[derive(Clone, Copy)]
pub(crate) struct Profiles {
    /// Profile of the French core; empty when the type has none there.
    pub(crate) french_core: &'static str,
    /// Profile of the directory, without the `as-dp-` or `as-dr-` of its perimeter; empty for a resource that cannot follow it.
    pub(crate) directory: &'static str,
}

/// A resource under construction.
pub(crate) struct Form {
    ty: TypeId,
    presence: Presence,
    id: String,
    /// Bytes that precede the version and the instant stamped by the store.
    before: Vec<u8>,
    /// Bytes that follow the stamp.
    pub(crate) json: JsonWriter,
    terms: Vec<Term>,
}

impl Form {
    /// Opens the form of a resource that a source describes.
    pub(crate) fn described(view: View, ty: TypeId, id: String, profiles: Profiles, trace: &DataTrace<'_>) -> Self {
        Self::open(view, ty, id, profiles, Presence::Described, Some(trace))
    }

    /// Opens the reduced form of a resource that left the directory. It does not say where its facts came from.
    pub(crate) fn withdrawn(view: View, ty: TypeId, id: String, profiles: Profiles) -> Self {
        Self::open(view, ty, id, profiles, Presence::Withdrawn, None)
    }

    /// Opens the form of a resource that no source describes and to which another one points.
    pub(crate) fn referenced(view: View, ty: TypeId, id: String, profiles: Profiles) -> Self {
        Self::open(view, ty, id, profiles, Presence::Referenced, None)
    }

    /// Writes what precedes the stamp and the rest of `meta`.
    fn open(view: View, ty: TypeId, id: String, profiles: Profiles, presence: Presence, trace: Option<&DataTrace<'_>>) -> Self {
        let mut form =
            Self { ty, presence, id, before: Vec::new(), json: JsonWriter::with_capacity(4_096), terms: Vec::with_capacity(32) };
        let mut head = JsonWriter::with_capacity(1_024);
        head.open_object();
        head.string("resourceType", type_name(ty));
        head.string("id", &form.id);
        head.key("meta").open_object();
        if let Some(trace) = trace {
            form.write_trace(&mut head, trace);
        }
        form.before = head.out;
        form.json.string("source", view.guide.source());
        form.write_profiles(view, profiles);
        // The `meta` that the head opened.
        form.json.close_object();
        form.json.string("language", "fr");
        form
    }

    fn write_trace(&mut self, head: &mut JsonWriter, trace: &DataTrace<'_>) {
        let authority = if trace.authority.is_empty() { None } else { Nos::embedded().autorite(trace.authority) };
        let authority = authority.map(|code| coding::in_table("TRE_R60", code));
        head.array("extension", |j| {
            j.complex_extension(extensions::DATA_TRACE, |j| {
                if let Some(authority) = &authority {
                    j.concept_extension("autorite-enregistrement", authority);
                }
                j.code_extension("systeme-information", trace.system);
                j.date_extension("date-maj-ae", trace.updated);
            });
        });
        // The stamp follows.
        head.out.push(b',');
        self.index_token(&params::DATA_INFORMATION_SYSTEM, "", trace.system);
        if let Some(authority) = authority {
            self.index_token(&params::DATA_REGISTRATION_AUTHORITY, authority.system, authority.code);
        }
    }

    /// Writes the profiles with the version of their guide, and indexes them without it.
    fn write_profiles(&mut self, view: View, Profiles { french_core, directory }: Profiles) {
        let core_profile = format!("{FRENCH_CORE_PROFILES}{french_core}");
        let directory_profile = format!("{DIRECTORY_PROFILES}as-{}-{directory}", profile_code(view.perimeter));
        self.json.array("profile", |j| {
            if !french_core.is_empty() {
                j.string_element(&format!("{core_profile}{}", view.guide.french_core_version_suffix()));
            }
            if !directory.is_empty() {
                j.string_element(&format!("{directory_profile}{}", view.guide.directory_version_suffix()));
            }
        });
        if !french_core.is_empty() {
            self.index_uri(&params::PROFILE, core_profile);
        }
        if !directory.is_empty() {
            self.index_uri(&params::PROFILE, directory_profile);
        }
    }

    /// Whether resources of this type are searched by a parameter. Parts that several types share, such as addresses, are
    /// indexed for those alone that have the parameter.
    fn has(&self, param: &Param) -> bool {
        param.is_of(type_name(self.ty))
    }

    /// Indexes a code; an empty one is none.
    pub(crate) fn index_token(&mut self, param: &Param, system: &str, code: &str) {
        if !code.is_empty() && self.has(param) {
            self.terms.push(Term::Token { param: param.id, system: system.to_owned(), code: code.to_owned() });
        }
    }

    /// Indexes a text; an empty one is none.
    pub(crate) fn index_text(&mut self, param: &Param, value: &str) {
        if !value.is_empty() && self.has(param) {
            self.terms.push(Term::Text { param: param.id, value: value.to_owned() });
        }
    }

    fn index_uri(&mut self, param: &Param, value: String) {
        if self.has(param) {
            self.terms.push(Term::Uri { param: param.id, value });
        }
    }

    /// Indexes the first and the last day of `period`; an empty day is none.
    pub(crate) fn index_period(&mut self, first: &str, last: &str) {
        for (param, day) in [(params::PERIOD.id, first), (PERIOD_END, last)] {
            if !day.is_empty() {
                self.terms.push(Term::Text { param, value: day.to_owned() });
            }
        }
    }

    /// Writes a Reference member; absent when the target is empty.
    pub(crate) fn write_reference(&mut self, member: &str, param: &Param, target: &str) {
        self.json.reference(member, target);
        if !target.is_empty() && self.has(param) {
            self.terms.push(Term::Reference { param: param.id, target: target.to_owned() });
        }
    }

    /// Writes `active`.
    pub(crate) fn write_active(&mut self, active: bool) {
        let text = if active { "true" } else { "false" };
        self.json.raw("active", text);
        self.index_token(&params::ACTIVE, BOOLEAN, text);
    }

    /// Writes the identifiers that have a value.
    pub(crate) fn write_identifiers(&mut self, identifiers: &[Identifier<'_>]) {
        let present = || identifiers.iter().filter(|i| !i.value.is_empty());
        self.json.array("identifier", |j| present().for_each(|i| i.write(j)));
        for i in present() {
            self.index_token(&params::IDENTIFIER, i.system, i.value);
            self.index_token(&params::IDENTIFIER_TYPE, IDENTIFIER_TYPES, i.type_code);
        }
    }

    /// The finished resource.
    pub(crate) fn finish(mut self) -> Resource {
        self.json.close_object();
        schema::add_words(self.ty, &mut self.terms);
        Resource {
            ty: self.ty,
            id: self.id,
            before: self.before,
            after: self.json.out,
            terms: self.terms,
            foreign_stamp: None,
            presence: self.presence,
        }
    }
}

/// A business identifier of a resource; an empty value is not written.
#[derive(Clone, Copy)]
pub(crate) struct Identifier<'a> {
    /// `use`; empty for none.
    usage: &'static str,
    /// Code of [`IDENTIFIER_TYPES`]; empty for an identifier without a type.
    type_code: &'static str,
    system: &'static str,
    value: &'a str,
}

impl<'a> Identifier<'a> {
    /// The identifier that others should use (`use` is `official`).
    pub(crate) const fn official(type_code: &'static str, system: &'static str, value: &'a str) -> Self {
        Self { usage: "official", type_code, system, value }
    }

    /// An identifier without `use`.
    pub(crate) const fn typed(type_code: &'static str, system: &'static str, value: &'a str) -> Self {
        Self { usage: "", type_code, system, value }
    }

    /// An identifier that is no longer in use and still leads to the resource (`use` is `old`).
    pub(crate) const fn former(type_code: &'static str, system: &'static str, value: &'a str) -> Self {
        Self { usage: "old", type_code, system, value }
    }

    /// An identifier without `use` or type.
    pub(crate) const fn untyped(system: &'static str, value: &'a str) -> Self {
        Self { usage: "", type_code: "", system, value }
    }

    fn write(&self, j: &mut JsonWriter) {
        j.object(|j| {
            j.string("use", self.usage);
            if !self.type_code.is_empty() {
                j.key("type").concept(&annuaire_nos::Coding::without_label(IDENTIFIER_TYPES, self.type_code));
            }
            j.string("system", self.system);
            j.string("value", self.value);
        });
    }
}
