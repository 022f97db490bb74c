//! A page of entities, as one thread reads it from the registry, and the resources that another thread makes of it.

use crate::entity_forms::{full_forms, may_lose_resources, reduced_forms, referenced_structures};
use crate::error::Error;
use crate::mailboxes::MailboxHoldersOfBothStates;
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_consolidate::{ConsolidatedEntity, EntityFault, Owners};
use annuaire_fhir::foreign::Stamps;
use annuaire_fhir::organization::ReferencedStructure;
use annuaire_fhir::{View, schema};
use annuaire_index::{Prepared, Preparer, SetAsideChanges, SetAsideEntity};
use annuaire_store::Transaction;
use annuaire_terms::Resource;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Receives pages; `false` when it takes no more.
pub(crate) type GivePage<'a> = &'a dyn Fn(Result<EntityPage, Error>) -> bool;

/// Entities read from the registry at a time.
pub(crate) enum EntityPage {
    /// Facts of complete entities, of which nothing was published before.
    FirstLoad(Vec<Fact>),
    /// Entities that a transaction changes, consolidated.
    Changed(ChangedEntities),
    /// Entities that a transaction changes, with their facts in both states.
    SideBySide(EntitiesSideBySide),
}

/// Entities that a transaction changes.
pub(crate) struct ChangedEntities {
    /// In the order of publication.
    pub(crate) entities: Vec<String>,
    /// As they are just after the transaction.
    pub(crate) after: BTreeMap<String, ConsolidatedEntity>,
    /// As they are published: as they were just before the transaction, or when they could last be made.
    pub(crate) published: BTreeMap<String, ConsolidatedEntity>,
    /// Those that are set aside.
    pub(crate) set_aside: BTreeMap<String, SetAsideEntity>,
}

/// Entities that a transaction changes, not yet parsed.
pub(crate) struct EntitiesSideBySide {
    /// In the order of publication.
    pub(crate) entities: Vec<String>,
    /// Their facts just after the transaction.
    pub(crate) after: Vec<Fact>,
    /// Their facts just before it.
    pub(crate) before: Vec<Fact>,
    /// Those that are set aside, with what is published of them.
    pub(crate) set_aside: HashMap<String, (SetAsideEntity, Option<ConsolidatedEntity>)>,
}

impl EntitiesSideBySide {
    fn consolidate(mut self, context: &PageContext<'_>) -> ChangedEntities {
        let &PageContext { view, owners, holders, .. } = context;
        let after = holders.after.consolidate(self.after, owners, view.perimeter);
        let mut published = holders.before.consolidate(self.before, owners, view.perimeter);
        let mut set_aside = BTreeMap::new();
        for entity in &self.entities {
            if let Some((known, last_made)) = self.set_aside.remove(entity) {
                replace_published(&mut published, entity, last_made);
                set_aside.insert(entity.clone(), known);
            }
        }
        ChangedEntities { entities: self.entities, after, published, set_aside }
    }
}

/// An entity that is set aside is published as it could last be made, and not as it was just before the transaction.
pub(crate) fn replace_published(
    published: &mut BTreeMap<String, ConsolidatedEntity>,
    entity: &str,
    last_made: Option<ConsolidatedEntity>,
) {
    match last_made {
        Some(last_made) => _ = published.insert(entity.to_owned(), last_made),
        None => _ = published.remove(entity),
    }
}

/// The parameters that all pages of a transaction share.
pub(crate) struct PageContext<'a> {
    pub(crate) view: View,
    pub(crate) owners: &'a Owners,
    pub(crate) transaction: &'a Transaction,
    pub(crate) holders: &'a MailboxHoldersOfBothStates,
}

/// The origin of versions and instants in a transaction: the first one of a log may keep those of a feed.
pub(crate) fn stamps_of(transaction: &Transaction) -> Stamps {
    if transaction.tx == Tx::new(1) { Stamps::Feed { before_ms: transaction.commit_ms } } else { Stamps::Log }
}

/// Prepares resources of one transaction.
pub(crate) struct TxPreparer<'p> {
    pub(crate) preparer: &'p mut Preparer,
    pub(crate) tx: Tx,
    pub(crate) commit_ms: i64,
}

impl TxPreparer<'_> {
    pub(crate) fn prepare(&mut self, resource: Resource) -> Result<Prepared, annuaire_index::Error> {
        self.preparer.prepare_for(resource, self.tx, self.commit_ms)
    }
}

/// The resources of one page, ready for the store.
#[derive(Default)]
pub(crate) struct PreparedPage {
    pub(crate) resources: Vec<Prepared>,
    /// Ids of the Organizations among them.
    pub(crate) organizations: Vec<String>,
    /// Structures to which they point.
    pub(crate) referenced: HashSet<ReferencedStructure>,
    /// Entities that are set aside now, and those (`None`) that are no longer.
    pub(crate) set_aside: SetAsideChanges,
}

impl EntityPage {
    /// Makes the resources of the page and prepares them for the store.
    pub(crate) fn prepare(self, context: &PageContext<'_>, preparer: &mut Preparer) -> Result<PreparedPage, Error> {
        let &PageContext { view, owners, transaction, holders } = context;
        let (tx, stamps) = (transaction.tx, stamps_of(transaction));
        let preparer = &mut TxPreparer { preparer, tx, commit_ms: transaction.commit_ms };
        let mut out = PreparedPage::default();
        let changed = match self {
            Self::FirstLoad(facts) => {
                for (entity, after) in holders.after.consolidate(facts, owners, view.perimeter) {
                    out.add(
                        EntityVersion { entity: &entity, after: &after, set_aside: None, tx },
                        full_forms(&after, view, stamps),
                        preparer,
                    )?;
                }
                return Ok(out);
            }
            Self::SideBySide(page) => page.consolidate(context),
            Self::Changed(page) => page,
        };
        let nothing = ConsolidatedEntity::default();
        for entity in &changed.entities {
            let after = changed.after.get(entity).unwrap_or(&nothing);
            let published = changed.published.get(entity);
            let forms = full_forms(after, view, stamps).and_then(|current| with_reduced_forms(current, after, published, view));
            out.add(EntityVersion { entity, after, set_aside: changed.set_aside.get(entity), tx }, forms, preparer)?;
        }
        Ok(out)
    }
}

/// The reduced forms of published resources that are not among the current ones, then the current ones, which are made of `after`.
pub(crate) fn with_reduced_forms(
    current: Vec<Resource>,
    after: &ConsolidatedEntity,
    published: Option<&ConsolidatedEntity>,
    view: View,
) -> Result<Vec<Resource>, EntityFault> {
    // Most changes leave the ids as they are: no reduced form has to be made to see that.
    let Some(published) = published.filter(|published| may_lose_resources(published, after)) else { return Ok(current) };
    let mut all = reduced_forms(published, view)?;
    all.retain(|r| !current.iter().any(|c| c.ty == r.ty && c.id == r.id));
    all.extend(current);
    Ok(all)
}

/// An entity as a transaction leaves it.
pub(crate) struct EntityVersion<'a> {
    pub(crate) entity: &'a str,
    pub(crate) after: &'a ConsolidatedEntity,
    /// Set when the entity was set aside before the transaction.
    pub(crate) set_aside: Option<&'a SetAsideEntity>,
    pub(crate) tx: Tx,
}

impl PreparedPage {
    /// Adds the forms of one entity: all of them, or none, and the entity is set aside.
    pub(crate) fn add(
        &mut self,
        version: EntityVersion<'_>,
        forms: Result<Vec<Resource>, EntityFault>,
        preparer: &mut TxPreparer<'_>,
    ) -> Result<(), Error> {
        let (resources, organizations) = (self.resources.len(), self.organizations.len());
        let fault = match forms {
            Ok(forms) => self.prepare_all(version.entity, forms, preparer)?,
            Err(fault) => Some(fault),
        };
        let entity = version.entity.to_owned();
        if let Some(fault) = fault {
            self.resources.truncate(resources);
            self.organizations.truncate(organizations);
            let made_at = version.set_aside.map_or(version.tx.previous(), |known| known.made_at);
            let EntityFault { entity: object, owner: source, reason } = fault;
            let set_aside = SetAsideEntity { entity: entity.clone(), made_at, tx: version.tx, object, source, reason };
            self.set_aside.push((entity, Some(set_aside)));
        } else {
            self.referenced.extend(referenced_structures(version.after));
            if version.set_aside.is_some() {
                self.set_aside.push((entity, None));
            }
        }
        Ok(())
    }

    /// Prepares the resources of one entity, up to the first one that the store refuses.
    fn prepare_all(
        &mut self,
        entity: &str,
        forms: Vec<Resource>,
        preparer: &mut TxPreparer<'_>,
    ) -> Result<Option<EntityFault>, Error> {
        for form in forms {
            let organization = (form.ty == schema::ORGANIZATION).then(|| form.id.clone());
            match preparer.prepare(form) {
                Ok(prepared) => {
                    self.resources.push(prepared);
                    self.organizations.extend(organization);
                }
                Err(annuaire_index::Error::Refused(reason)) => {
                    let (entity, reason) = (entity.to_owned(), reason.to_owned());
                    return Ok(Some(EntityFault { entity, owner: String::new(), reason }));
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(None)
    }
}
