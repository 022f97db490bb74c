//! What the puts of a unit do to the log.

use crate::chunk;
use crate::core::Core;
use crate::fault::Answer;
use crate::version::{self, Seen};
use annuaire_base::fact::VersionContent;
use annuaire_store::backend::{LastVersion, Puts, Verdict, decide as verdict_of, expected};
use annuaire_store::columns::{tx_column, tx_read};
use annuaire_store::{Change, ChangeCounts, Error, Expect, FactMark, Result, SealedStage};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a unit does, if nobody commits before it.
pub(crate) struct Decision {
    /// One for each put, in their order.
    pub(crate) verdicts: Vec<Verdict>,
    /// The first demand of a put that does not hold.
    pub(crate) conflict: Result<()>,
    /// Entities that the unit withdraws and that are not withdrawn yet, in byte order.
    pub(crate) withdrawn: Vec<String>,
    /// Facts of these that stand and are not put anew.
    pub(crate) ended: Vec<Seen>,
    /// Counts.
    pub(crate) counts: ChangeCounts,
}

/// Which of these entities are withdrawn in the registry.
pub(crate) async fn withheld(c: &mut PgConnection, entities: impl Iterator<Item = &str>) -> Answer<BTreeSet<String>> {
    let entities: Vec<&str> = entities.collect();
    if entities.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = sqlx::query_scalar("SELECT w.entity FROM unnest($1::text[]) e(entity) JOIN withheld w ON w.entity = e.entity");
    Ok(query.bind(entities).fetch_all(c).await?.into_iter().collect())
}

/// The first `limit` marks of a page, entities whole.
pub(crate) fn cut(mut marks: Vec<FactMark>, limit: u32) -> Vec<FactMark> {
    let limit = (limit.max(1)) as usize;
    if let Some(last) = marks.get(limit - 1).map(|m| m.entity.clone()) {
        marks.truncate(limit + marks[limit..].iter().take_while(|m| m.entity == last).count());
    }
    marks
}

/// Last versions of facts, by place among the changes.
pub(crate) type LastVersions = HashMap<usize, Seen>;

/// Which changes are to be compared with the payload of the last version.
fn to_compare<'a>(changes: &[&'a Change], last: &LastVersions) -> Vec<(usize, Seen)> {
    let compared = |(n, change): (usize, &&'a Change)| {
        let (row, tx) = last.get(&n)?;
        let same = row.fingerprint != 0 && row.fingerprint == change.fingerprint;
        let wanted = change.payload.is_some() && row.stands() == Some(change.publication) && !same;
        wanted.then(|| (n, (row.clone(), *tx)))
    };
    changes.iter().enumerate().filter_map(compared).collect()
}

/// What each change does, compared with the last version of its fact. `held`: its entity is withdrawn.
pub(crate) async fn verdicts(
    c: &mut PgConnection,
    changes: &[&Change],
    last: &LastVersions,
    held: impl Fn(&Change) -> bool,
) -> Answer<Vec<Verdict>> {
    let (places, compared): (Vec<usize>, Vec<Seen>) = to_compare(changes, last).into_iter().unzip();
    let contents = chunk::contents(c, &compared).await?;
    let payloads: HashMap<usize, VersionContent> = places.into_iter().zip(contents).collect();
    let verdict = |(n, change): (usize, &&Change)| {
        let before: Option<LastVersion> = last.get(&n).map(|(row, tx)| row.last(*tx));
        let same = |payload: &str| {
            Ok(matches!(payloads.get(&n), Some(VersionContent::Stands { payload: before, .. }) if before == payload))
        };
        verdict_of(change, before.as_ref(), held(change), same)
    };
    Ok(changes.iter().enumerate().map(verdict).collect::<Result<_>>()?)
}

/// Puts versions at the places of their changes. `ids`: numbers of the owners of the changes, absent for an owner that is
/// not written yet.
pub(crate) fn by_place(changes: &[&Change], ids: &BTreeMap<String, i32>, versions: Vec<Seen>) -> LastVersions {
    let mut of: HashMap<(&str, i32, &str), usize> = HashMap::with_capacity(changes.len());
    for (n, change) in changes.iter().enumerate() {
        if let Some(id) = ids.get(&change.key.owner) {
            of.insert((&change.key.entity, *id, &change.key.facet), n);
        }
    }
    versions
        .into_iter()
        .filter_map(|(row, tx)| {
            let n = *of.get(&(row.entity.as_str(), row.owner, row.facet.as_str()))?;
            Some((n, (row, tx)))
        })
        .collect()
}

/// Checks what one put demands of the last version of its fact.
pub(crate) async fn still_expected(core: &Core, c: &mut PgConnection, change: &Change, expect: Expect) -> Answer<()> {
    let at = core.learn_all(c).await?;
    let Some(owner) = core.owners.id(c, &change.key.owner).await? else { return Ok(()) };
    let rows = version::of_facts(c, &[(&change.key, owner)]).await?;
    let last = core.last_seen(rows, at).first().map(|(row, tx)| row.last(*tx));
    Ok(expected(&change.key, expect, last.as_ref())?)
}

/// Decides about all puts of a unit, against the end of the log.
pub(crate) async fn decide(core: &Core, c: &mut PgConnection, puts: &Puts) -> Answer<Decision> {
    let at = core.learn_all(c).await?;
    let (changes, demands): (Vec<&Change>, Vec<_>) = puts.changes().unzip();
    let mut ids: BTreeMap<String, i32> = BTreeMap::new();
    for owner in changes.iter().map(|change| &change.key.owner) {
        if !ids.contains_key(owner)
            && let Some(id) = core.owners.id(c, owner).await?
        {
            ids.insert(owner.clone(), id);
        }
    }
    let keys: Vec<_> = changes.iter().filter_map(|change| Some((&change.key, *ids.get(&change.key.owner)?))).collect();
    let rows = version::of_facts(c, &keys).await?;
    let mut last = by_place(&changes, &ids, core.last_seen(rows, at));

    let mentioned = changes.iter().map(|change| change.key.entity.as_str()).chain(puts.withdrawn().iter().map(String::as_str));
    let held = withheld(c, mentioned).await?;
    let mut conflict = Ok(());
    for (n, (change, demands)) in changes.iter().zip(&demands).enumerate() {
        let before = last.get(&n).map(|(row, tx)| row.last(*tx));
        for demand in *demands {
            conflict = conflict.and_then(|()| expected(&change.key, *demand, before.as_ref()));
        }
    }

    let withdrawn: Vec<String> = puts.withdrawn().iter().filter(|entity| !held.contains(*entity)).cloned().collect();
    // What the unit withdraws is gone, whatever it puts afterwards.
    last.retain(|_, (row, _)| withdrawn.binary_search(&row.entity).is_err());
    let verdicts = verdicts(c, &changes, &last, |change| {
        let entity = &change.key.entity;
        puts.withheld(entity, held.contains(entity))
    })
    .await?;
    let mut counts = ChangeCounts::default();
    verdicts.iter().for_each(|verdict| counts.count(*verdict));

    let mut ended = core.last_seen(version::of_entities(c, &withdrawn).await?, at);
    let anew: BTreeSet<(&str, i32, &str)> = (changes.iter().zip(&verdicts))
        .filter(|(_, verdict)| verdict.writes())
        .filter_map(|(change, _)| Some((change.key.entity.as_str(), *ids.get(&change.key.owner)?, change.key.facet.as_str())))
        .collect();
    ended.retain(|(row, _)| row.stands().is_some() && !anew.contains(&(row.entity.as_str(), row.owner, row.facet.as_str())));
    ended.iter().for_each(|_| counts.count(Verdict::Ended));
    Ok(Decision { verdicts, conflict, withdrawn, ended, counts })
}

/// Refuses a stage that was compared with a state which is not the last one of its owners, or that speaks of an entity
/// withdrawn since.
pub(crate) async fn overtaken(core: &Core, c: &mut PgConnection, stage: &SealedStage) -> Answer<()> {
    let found: Option<(String, i64)> =
        sqlx::query_as("SELECT code, last_tx FROM owner WHERE code = ANY($1) AND last_tx > $2 ORDER BY last_tx DESC LIMIT 1")
            .bind(&stage.owners)
            .bind(tx_column(stage.base))
            .fetch_optional(&mut *c)
            .await?;
    if let Some((owner, at)) = found {
        return Err(Error::Overtaken { owner, at: tx_read(at) }.into());
    }
    let since: Vec<(String, i64)> = sqlx::query_as("SELECT entity, tx FROM withdrawal WHERE tx > $1 ORDER BY tx, entity")
        .bind(tx_column(stage.base))
        .fetch_all(&mut *c)
        .await?;
    for (entity, at) in since {
        if let Some(owner) = speaks_of(core, c, stage, &entity).await? {
            return Err(Error::Overtaken { owner, at: tx_read(at) }.into());
        }
    }
    Ok(())
}

/// The owner of a fact of this entity in a stage.
pub(crate) async fn speaks_of(core: &Core, c: &mut PgConnection, stage: &SealedStage, entity: &str) -> Answer<Option<String>> {
    let rows = version::of_entities(c, &[entity.to_owned()]).await?;
    let Some(row) = rows.into_iter().find(|row| row.batch.cast_unsigned() == stage.batch) else { return Ok(None) };
    let codes = core.owners.codes(c, std::iter::once(row.owner)).await?;
    Ok(codes.into_values().next().map(|code| code.to_string()))
}
