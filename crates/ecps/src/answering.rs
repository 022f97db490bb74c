//! A phone answers: what waits, and the decision with its proof.

use crate::asking::browser_pair;
use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, MeansState, ShownMeans};
use crate::message::{Notice, Way};
use crate::passkey::{ApprovalMethods, HolderProof, approval_challenge};
use crate::prompt::{Asker, DecisionOutcome, Prompt, PromptDecision, PromptFault};
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::secrets::key_of_parts;
use crate::service::{PhoneService, is_row_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A request that waits, as the phone shows it. The number that is right is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPrompt {
    /// Its number.
    pub tx: String,
    /// Application that asks.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// From where.
    pub origin: String,
    /// Three numbers, one of which the person sees where they sign in.
    pub choices: Vec<String>,
    /// What the proof must repeat.
    pub challenge: String,
    /// Milliseconds for which it can still be answered.
    pub expires_in_ms: i64,
}

/// What a phone is told of itself and of what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneView {
    /// Our clock, milliseconds since 1970 UTC: phones correct theirs by it.
    pub now_ms: i64,
    /// The phone.
    pub means: ShownMeans,
    /// What waits; nothing when the phone may not be used.
    pub prompts: Vec<ShownPrompt>,
    /// By what it approves.
    pub methods: ApprovalMethods,
    /// The host for which its passkey is; `None` where there are no passkeys.
    pub rp_id: Option<String>,
}

/// A decision as a phone sends it. It holds a PIN, so that it has no `Debug` form.
#[derive(Clone, Deserialize)]
pub struct DecisionCall {
    /// The phone.
    pub means_id: String,
    /// The request.
    pub tx: String,
    /// `approve`, `refuse` or `not_asked`.
    pub decision: String,
    /// The number that was chosen, of an approval.
    #[serde(default)]
    pub number: String,
    /// The PIN, of an approval without passkey.
    #[serde(default)]
    pub pin: String,
    /// The assertion of the passkey, of an approval without PIN: a `PublicKeyCredential` in JSON. Its challenge is the SHA-256 of five lines:
    /// `ecps-approval`, tx, challenge, number, client_id.
    #[serde(default)]
    pub webauthn: Option<Value>,
    /// Compact JWS by the device key over tx, challenge, number, decision, client_id and iat.
    pub proof: String,
}

/// What was decided, in the history of a holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneUse {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Name of the application.
    pub client_name: String,
    /// From where.
    pub origin: String,
    /// Name of the phone.
    pub device: String,
    /// What was decided.
    pub outcome: DecisionOutcome,
}

impl From<PromptFault> for PhoneRefusal {
    fn from(fault: PromptFault) -> Self {
        match fault {
            PromptFault::AlreadyAnswered => Self::AlreadyAnswered,
            PromptFault::Expired => Self::PromptExpired,
        }
    }
}

impl PhoneService {
    /// What waits for a phone. `call` is a JWS of type `ecps-list+jwt` by its key over `means_id` and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownMeans`], [`PhoneRefusal::Proof`]; those of the registry.
    pub async fn waiting(&self, means_id: &str, call: &str) -> Result<PhoneView, PhoneError> {
        let now_ms = self.now_ms();
        let means = self.signing_means(means_id, call, proof::LIST, now_ms).await?.0.value;
        let mut prompts = Vec::new();
        if means.state_at(now_ms) == MeansState::Active {
            let mut found = Vec::new();
            for row in self.rows_of(rows::PROMPT, &means.national_id).await? {
                found.push(StoredRow::<Prompt>::read(row)?);
            }
            for row in self.rows_of(rows::PROMPT_LINK, &means.national_id).await? {
                let key = StoredRow::<String>::read(row)?.value;
                found.extend(rows::load::<Prompt>(self.registry(), rows::PROMPT, &key).await?);
            }
            found.retain(|prompt| prompt.value.is_open(now_ms));
            found.sort_by_key(|prompt| std::cmp::Reverse(prompt.value.asked_ms));
            prompts.extend(found.into_iter().map(|StoredRow { row, value }| ShownPrompt {
                tx: row.key,
                client_id: value.client_id,
                client_name: value.client_name,
                origin: value.origin,
                choices: value.choices,
                challenge: value.challenge,
                expires_in_ms: value.expires_ms.saturating_sub(now_ms),
            }));
        }
        let (methods, rp_id) = (self.settings.methods, self.passkeys().ok().map(|party| party.rp_id.clone()));
        Ok(PhoneView { now_ms, means: means.shown(now_ms), prompts, methods, rp_id })
    }

    /// The means that signed a call which names it, and what the call says.
    pub(crate) async fn signing_means(
        &self,
        means_id: &str,
        call: &str,
        typ: &str,
        now_ms: i64,
    ) -> Result<(StoredRow<Means>, Map<String, Value>), PhoneError> {
        let means = self.one_means(means_id).await?;
        let key = means.value.key().ok_or(PhoneRefusal::Proof("key"))?;
        let claims = proof::signed(call, typ, &key, now_ms)?;
        proof::must_say(&claims, &[("means_id", means_id)])?;
        Ok((means, claims))
    }

    /// The phone and the request of a decision, when the phone may answer it and its proof covers what it decides.
    async fn decided(&self, call: &DecisionCall, now_ms: i64) -> Result<(StoredRow<Means>, StoredRow<Prompt>), PhoneError> {
        let means = self.one_means(&call.means_id).await?;
        let key = means.value.key().ok_or(PhoneRefusal::Proof("key"))?;
        let claims = proof::signed(&call.proof, proof::DECISION, &key, now_ms)?;
        // What a means of another person asks about does not exist for it.
        let prompt = match is_row_name(&call.tx) {
            true => rows::load::<Prompt>(self.registry(), rows::PROMPT, &call.tx).await?,
            false => None,
        };
        let theirs = |prompt: &StoredRow<Prompt>| {
            let Prompt { national_id, other_ids, .. } = &prompt.value;
            *national_id == means.value.national_id || other_ids.contains(&means.value.national_id)
        };
        let prompt = prompt.filter(theirs).ok_or(PhoneRefusal::UnknownPrompt)?;
        let said = [
            ("tx", call.tx.as_str()),
            ("challenge", &prompt.value.challenge),
            ("number", &call.number),
            ("decision", &call.decision),
            ("client_id", &prompt.value.client_id),
        ];
        proof::must_say(&claims, &said)?;
        Self::refuse_unusable(&means.value, now_ms)?;
        Ok((means, prompt))
    }

    /// The assertion of an approval, when the passkey proves who decides and no PIN does.
    fn chosen_method<'a>(&self, call: &'a DecisionCall) -> Result<Option<&'a Value>, PhoneRefusal> {
        match (&call.webauthn, call.pin.is_empty()) {
            (Some(_), false) => Err(PhoneRefusal::Malformed("webauthn")),
            (Some(assertion), true) => self.passkeys().map(|_| Some(assertion)),
            (None, _) if self.settings.methods.takes_pin() => Ok(None),
            (None, _) => Err(PhoneRefusal::PasskeyNeeded),
        }
    }

    /// Looks at the assertion of an approval; the means gets the sign count.
    fn check_assertion(
        &self,
        means: &mut Means,
        prompt: &StoredRow<Prompt>,
        call: &DecisionCall,
    ) -> Result<HolderProof, PhoneRefusal> {
        let Some(assertion) = &call.webauthn else { return Ok(HolderProof::Pin) };
        let challenge = approval_challenge(&prompt.row.key, &prompt.value.challenge, &call.number, &prompt.value.client_id);
        self.use_passkey(means, assertion, &challenge)
    }

    /// Takes the decision of a phone; an approval with its PIN or the assertion of its passkey. The first one of a request counts; of two that arrive together one wins, and the other is told
    /// [`PhoneRefusal::AlreadyAnswered`].
    ///
    /// # Errors
    /// Refusals: [`UnknownMeans`](PhoneRefusal::UnknownMeans), [`Proof`](PhoneRefusal::Proof), [`UnknownPrompt`](PhoneRefusal::UnknownPrompt),
    /// [`NotUsable`](PhoneRefusal::NotUsable), [`WrongPin`](PhoneRefusal::WrongPin) (the request still waits),
    /// [`PinLocked`](PhoneRefusal::PinLocked), [`Passkey`](PhoneRefusal::Passkey) (the request still waits too),
    /// [`PasskeyDoubted`](PhoneRefusal::PasskeyDoubted), [`NoPasskeys`](PhoneRefusal::NoPasskeys), [`Frozen`](PhoneRefusal::Frozen),
    /// [`PasskeyNeeded`](PhoneRefusal::PasskeyNeeded), [`PromptExpired`](PhoneRefusal::PromptExpired); those of the registry.
    pub async fn decide(&self, call: &DecisionCall) -> Result<DecisionOutcome, PhoneError> {
        let decision = match call.decision.as_str() {
            "approve" => PromptDecision::Approve(call.number.clone()),
            "refuse" => PromptDecision::Refuse,
            "not_asked" => PromptDecision::NotAsked,
            _ => return Err(PhoneRefusal::Malformed("decision").into()),
        };
        let (means, prompt) = self.decided(call, self.now_ms()).await?;
        // No PIN is looked at for a request that is answered already.
        prompt.value.standing(self.now_ms()).map_err(PhoneRefusal::from)?;
        let approves = matches!(decision, PromptDecision::Approve(_));
        if approves {
            self.refuse_frozen(&means.value.national_id).await?;
        }
        let with_pin = approves && self.chosen_method(call)?.is_none();
        if with_pin {
            self.check_pin(&means.value.means_id, &call.pin).await?;
        }
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let (mut means, mut prompt) = self.decided(call, now_ms).await?;
            let mut proof = HolderProof::Pin;
            if approves && prompt.value.standing(now_ms).is_ok() {
                proof = match self.check_assertion(&mut means.value, &prompt, call) {
                    Ok(proof) => proof,
                    Err(PhoneRefusal::PasskeyDoubted) => return Err(self.doubt_passkey(&means.value.means_id).await?.into()),
                    Err(refusal) => return Err(refusal.into()),
                };
            }
            let outcome = prompt.value.decide(&decision, &means.value.means_id, proof, now_ms);
            let mut event = Event::default();
            if with_pin && let Some(pin) = &mut means.value.pin {
                pin.failures = 0;
            }
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(fault) => {
                    // The PIN was right all the same.
                    event.replace(&means, means.value.due_ms())?;
                    if !with_pin || self.save(event).await? {
                        return Err(PhoneRefusal::from(fault).into());
                    }
                    continue;
                }
            };
            if outcome == DecisionOutcome::Approved {
                means.value.last_used_ms = Some(now_ms);
            }
            event.replace(&means, means.value.due_ms())?;
            event.replace(&prompt, prompt.value.due_ms())?;
            self.count(&mut event, &prompt.value, outcome, now_ms).await?;
            self.note_use(&mut event, &means.value, &prompt, outcome, now_ms)?;
            if self.save(event).await? {
                return Ok(outcome);
            }
        }
        Err(PhoneError::Contended)
    }

    /// Counts the outcome for the pair that asked.
    async fn count(&self, event: &mut Event, prompt: &Prompt, outcome: DecisionOutcome, now_ms: i64) -> Result<(), PhoneError> {
        let label = match &prompt.asker {
            Asker::Browser(_) => &prompt.origin,
            Asker::Ciba(_) => &prompt.client_name,
        };
        let mut found = self.find_pair(prompt.pair.clone(), label).await?;
        match outcome {
            DecisionOutcome::Approved => {
                found.pair.approved();
                let client = (prompt.client_id.as_str(), prompt.client_name.as_str());
                self.greet_client(event, &prompt.national_id, client, now_ms).await?;
                if let Asker::Browser(browser) = &prompt.asker {
                    let known_key = browser_pair(&prompt.national_id, browser);
                    let known_until_ms = now_ms.saturating_add(limits::KNOWN_BROWSER_MS);
                    if known_key == found.key {
                        found.pair.known_until_ms = known_until_ms;
                    } else {
                        let mut known = self.find_pair(known_key, &prompt.origin).await?;
                        known.pair.known_until_ms = known_until_ms;
                        self.write_pair(event, &prompt.national_id, known, now_ms)?;
                    }
                }
            }
            DecisionOutcome::Refused | DecisionOutcome::WrongNumber => {
                if found.pair.refused(now_ms) {
                    let notice = Notice::AskerBlocked { label: found.pair.label.clone() };
                    self.tell(event, &prompt.national_id, &notice, &[Way::Mail], now_ms);
                    let object = format!("person/{}", prompt.national_id);
                    event.audit(&prompt.client_id, "ecps-asker-blocked", &object, &json!({"why": "refusals"}));
                }
            }
            DecisionOutcome::NotAsked => {
                found.pair.not_asked(now_ms);
                let what = format!("{}, {}", prompt.client_name, prompt.origin);
                self.tell(event, &prompt.national_id, &Notice::NotAsked { label: what }, &[Way::Mail, Way::Sms], now_ms);
            }
        }
        self.write_pair(event, &prompt.national_id, found, now_ms)
    }

    /// Tells the holder when they approve an application for the first time, or for the first time in long (identity §2.6).
    pub(crate) async fn greet_client(
        &self,
        event: &mut Event,
        national_id: &str,
        (client_id, client_name): (&str, &str),
        now_ms: i64,
    ) -> Result<(), PhoneError> {
        let key = key_of_parts(&[national_id, client_id]);
        let due_ms = now_ms.saturating_add(limits::KNOWN_CLIENT_MS);
        match rows::load::<String>(self.registry(), rows::KNOWN_CLIENT, &key).await? {
            Some(known) => event.replace(&known, due_ms),
            None => {
                self.tell(event, national_id, &Notice::NewClient { client: client_name.to_owned() }, &[Way::Mail], now_ms);
                event.create((rows::KNOWN_CLIENT, &key), national_id, due_ms, &client_id)
            }
        }
    }

    fn note_use(
        &self,
        event: &mut Event,
        means: &Means,
        prompt: &StoredRow<Prompt>,
        outcome: DecisionOutcome,
        now_ms: i64,
    ) -> Result<(), PhoneError> {
        let code = match outcome {
            DecisionOutcome::Approved => "ecps-approved",
            DecisionOutcome::WrongNumber => "ecps-wrong-number",
            DecisionOutcome::Refused => "ecps-refused",
            DecisionOutcome::NotAsked => "ecps-not-asked",
        };
        let detail = json!({"means_id": means.means_id, "client_id": prompt.value.client_id, "tx": prompt.row.key});
        event.audit(&means.national_id, code, &format!("person/{}", prompt.value.national_id), &detail);
        let value = PhoneUse {
            at_ms: now_ms,
            client_name: prompt.value.client_name.clone(),
            origin: prompt.value.origin.clone(),
            device: means.device.name.clone(),
            outcome,
        };
        Self::write_use(event, means, &value, &prompt.row.key)
    }

    /// Writes a use for the history of the holder; `name` is random.
    pub(crate) fn write_use(event: &mut Event, means: &Means, value: &PhoneUse, name: &str) -> Result<(), PhoneError> {
        // The latest first, in the order of keys.
        let key = format!("{:016}-{}", i64::MAX / 1_000 - value.at_ms, &name[..name.len().min(16)]);
        event.create((rows::PHONE_USE, &key), &means.national_id, value.at_ms.saturating_add(limits::USE_MS), value)
    }

    /// Looks at the PIN of a call whose signature is right. The attempt is counted before it is looked at, so that attempts at once are as many as attempts in a
    /// row; who is right gets the count back with the decision.
    pub(crate) async fn check_pin(&self, means_id: &str, typed: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut means = self.one_means(means_id).await?;
            Self::refuse_unusable(&means.value, now_ms)?;
            let Some(pin) = &mut means.value.pin else { return Err(PhoneRefusal::NotUsable(means.value.state).into()) };
            if pin.is_locked() {
                return self.lock(means_id).await;
            }
            pin.failures += 1;
            let (kept, left) = (pin.clone(), limits::PIN_FAILURES.saturating_sub(pin.failures));
            let mut event = Event::default();
            event.replace(&means, means.value.due_ms())?;
            if !self.save(event).await? {
                continue;
            }
            if self.is_pin(kept, typed.to_owned()).await? {
                return Ok(());
            }
            if left == 0 {
                return self.lock(means_id).await;
            }
            let mut event = Event::default();
            let object = format!("means/{means_id}");
            event.audit(&means.value.national_id, "ecps-wrong-pin", &object, &json!({"left": left}));
            self.save(event).await?;
            return Err(PhoneRefusal::WrongPin(left).into());
        }
        Err(PhoneError::Contended)
    }

    /// Locks a means whose PIN was wrong too often; never `Ok`.
    async fn lock(&self, means_id: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut means = self.one_means(means_id).await?;
            let mut event = Event::default();
            let actor = means.value.national_id.clone();
            // An attempt that was counted and is right gave the count back meanwhile.
            let wrong = means.value.pin.as_ref().is_some_and(crate::pin::KeptPin::is_locked);
            if !wrong || !self.change_state(&mut event, &mut means, MeansState::Locked, &actor, now_ms)? {
                return Err(PhoneRefusal::PinLocked.into());
            }
            if self.save(event).await? {
                self.tell_ended(&means.value).await;
                return Err(PhoneRefusal::PinLocked.into());
            }
        }
        Err(PhoneError::Contended)
    }
}
