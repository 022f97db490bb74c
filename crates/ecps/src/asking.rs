//! The provider asks: request, state, approval.

use crate::error::{AskRefusal, PhoneError};
use crate::limits;
use crate::means::shown;
use crate::message::{Notice, Way};
use crate::pair::{Pair, PairFault};
use crate::prompt::{
    Approval, Asker, Prompt, PromptAnswer, PromptOrder, PromptState, PromptStatus, drawn_choices, drawn_number, is_number,
};
use crate::rows::{self, Event, StoredRow};
use crate::secrets::{key_of, key_of_parts};
use crate::service::{PhoneService, is_national_id};
use serde_json::json;

/// Key of the pair of a person and one browser.
pub(crate) fn browser_pair(national_id: &str, browser: &str) -> String {
    key_of_parts(&["browser", national_id, browser])
}

/// A pair as it was found, or a new one.
pub(crate) struct FoundPair {
    pub key: String,
    pub stored: Option<StoredRow<Pair>>,
    pub pair: Pair,
}

impl PhoneService {
    pub(crate) async fn find_pair(&self, key: String, label: &str) -> Result<FoundPair, PhoneError> {
        let stored: Option<StoredRow<Pair>> = rows::load(self.registry(), rows::PAIR, &key).await?;
        let fresh = || Pair { label: shown(label, limits::SHOWN_CHARS), ..Pair::default() };
        let pair = stored.as_ref().map_or_else(fresh, |stored| stored.value.clone());
        Ok(FoundPair { key, stored, pair })
    }

    pub(crate) fn write_pair(
        &self,
        event: &mut Event,
        national_id: &str,
        found: FoundPair,
        now_ms: i64,
    ) -> Result<(), PhoneError> {
        let due_ms = found.pair.due_ms(now_ms);
        match found.stored {
            Some(stored) => event.replace(&StoredRow { value: found.pair, row: stored.row }, due_ms),
            None => event.create((rows::PAIR, &found.key), national_id, due_ms, &found.pair),
        }
    }

    /// The pair for which a request counts, and who of it asks.
    async fn pair_of(&self, order: &PromptOrder, now_ms: i64) -> Result<(FoundPair, String), PhoneError> {
        let id = order.national_id.as_str();
        match &order.asker {
            Asker::Ciba(_) => {
                let key = key_of_parts(&["client", id, &order.client_id]);
                Ok((self.find_pair(key, &order.client_name).await?, String::new()))
            }
            Asker::Browser(browser) => {
                let known = self.find_pair(browser_pair(id, browser), &order.channel_origin).await?;
                if now_ms < known.pair.known_until_ms {
                    return Ok((known, browser.clone()));
                }
                let unknown = self.find_pair(key_of_parts(&["browsers", id]), "navigateurs jamais utilisés par vous").await?;
                Ok((unknown, browser.clone()))
            }
        }
    }

    /// Asks a person to approve. An unknown person, or one without a phone, gets the answer that a known one gets, by the same work: nobody
    /// can approve it.
    ///
    /// A newer request of one browser, or of one client for one person, takes the place of the one that waits.
    ///
    /// # Errors
    /// [`AskRefusal::Blocked`] for a pair that asked too often or was refused too often (identity §1.10, §0.1); [`AskRefusal::Number`],
    /// [`AskRefusal::NationalId`]; failures of the registry.
    pub async fn ask(&self, order: &PromptOrder) -> Result<PromptAnswer, AskRefusal> {
        if !is_national_id(&order.national_id) {
            return Err(AskRefusal::NationalId);
        }
        if order.number.as_deref().is_some_and(|number| !is_number(number)) {
            return Err(AskRefusal::Number);
        }
        for _ in 0..limits::TRIES {
            if let Some(answer) = self.try_to_ask(order).await? {
                return answer;
            }
        }
        Err(PhoneError::Contended.into())
    }

    /// As [`ask`](Self::ask), for CIBA, which tells whether a person can be asked.
    ///
    /// # Errors
    /// Also [`AskRefusal::UnknownPerson`].
    pub async fn ask_known(&self, order: &PromptOrder) -> Result<PromptAnswer, AskRefusal> {
        if !is_national_id(&order.national_id) {
            return Err(AskRefusal::NationalId);
        }
        if !self.has_phone(&order.national_id, &order.other_ids).await? {
            return Err(AskRefusal::UnknownPerson);
        }
        self.ask(order).await
    }

    async fn try_to_ask(&self, order: &PromptOrder) -> Result<Option<Result<PromptAnswer, AskRefusal>>, PhoneError> {
        let now_ms = self.now_ms();
        let (mut found, by) = self.pair_of(order, now_ms).await?;
        let prompt_id = self.secrets.handle();
        let tx = key_of(&prompt_id);
        let waiting = found.pair.waiting(&by, now_ms);
        let mut event = Event::default();
        let object = format!("person/{}", order.national_id);
        match found.pair.ask(&by, &tx, now_ms) {
            Ok(()) => {}
            Err(PairFault::Blocked { until_ms }) => return Ok(Some(Err(AskRefusal::Blocked { until_ms }))),
            Err(PairFault::TooOften { until_ms }) => {
                let notice = Notice::AskerBlocked { label: found.pair.label.clone() };
                self.tell(&mut event, &order.national_id, &notice, &[Way::Mail], now_ms);
                event.audit(&order.client_id, "ecps-asker-blocked", &object, &json!({"why": "too often"}));
                self.write_pair(&mut event, &order.national_id, found, now_ms)?;
                let blocked = Err(AskRefusal::Blocked { until_ms });
                return Ok(self.save(event).await?.then_some(blocked));
            }
        }
        for key in waiting {
            if let Some(mut former) = rows::load::<Prompt>(self.registry(), rows::PROMPT, &key).await?
                && former.value.replace()
            {
                event.replace(&former, former.value.due_ms())?;
            }
        }
        let number = order.number.clone().unwrap_or_else(|| drawn_number(&self.secrets));
        let mut other_ids: Vec<String> = order.other_ids.iter().filter(|id| **id != order.national_id).cloned().collect();
        other_ids.sort();
        other_ids.dedup();
        other_ids.truncate(limits::OTHER_IDS);
        let prompt = Prompt {
            national_id: order.national_id.clone(),
            other_ids,
            client_id: order.client_id.clone(),
            client_name: shown(&order.client_name, limits::SHOWN_CHARS),
            origin: shown(&order.channel_origin, limits::SHOWN_CHARS),
            asker: order.asker.clone(),
            pair: found.key.clone(),
            choices: drawn_choices(&self.secrets, &number),
            number: number.clone(),
            challenge: self.secrets.handle(),
            asked_ms: now_ms,
            expires_ms: now_ms.saturating_add(limits::PROMPT_MS),
            status: PromptStatus::Pending,
        };
        let expires_ms = prompt.expires_ms;
        event.create((rows::PROMPT, &tx), &order.national_id, prompt.due_ms(), &prompt)?;
        for (n, other) in prompt.other_ids.iter().enumerate().filter(|(_, id)| is_national_id(id)) {
            event.create((rows::PROMPT_LINK, &format!("{tx}-{n}")), other, prompt.due_ms(), &tx)?;
        }
        event.audit(&order.client_id, "ecps-asked", &object, &json!({"tx": tx, "origin": prompt.origin}));
        self.order_push(&mut event, &tx, now_ms);
        self.write_pair(&mut event, &order.national_id, found, now_ms)?;
        Ok(self.save(event).await?.then_some(Ok(PromptAnswer { prompt_id, number, expires_ms })))
    }

    /// Where a request is. A handle that nobody was given is [`PromptState::Expired`].
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn state(&self, prompt_id: &str) -> Result<PromptState, PhoneError> {
        let found: Option<StoredRow<Prompt>> = rows::load(self.registry(), rows::PROMPT, &key_of(prompt_id)).await?;
        Ok(found.map_or(PromptState::Expired, |found| found.value.state(self.now_ms())))
    }

    /// Takes the approval of a request, exactly once whatever number of callers ask at once; `None` when there is none or it was taken, and
    /// when the means of the person were frozen after it.
    ///
    /// # Errors
    /// Those of the registry and of the rights.
    pub async fn take(&self, prompt_id: &str) -> Result<Option<Approval>, PhoneError> {
        let key = key_of(prompt_id);
        for _ in 0..limits::TRIES {
            let Some(mut found) = rows::load::<Prompt>(self.registry(), rows::PROMPT, &key).await? else { return Ok(None) };
            let Some(approval) = found.value.take(self.now_ms()) else { return Ok(None) };
            if self.is_frozen(&approval.national_id).await? {
                return Ok(None);
            }
            let mut event = Event::default();
            event.replace(&found, found.value.due_ms())?;
            if self.save(event).await? {
                return Ok(Some(approval));
            }
        }
        Err(PhoneError::Contended)
    }
}
