//! `annuaire-bench logins [PROFESSIONALS] [SECONDS]`: the identity provider on the registry of a nation, in a file or in the database of the
//! environment. Requests go to its router, without a network between: what is measured is the provider and the database.

use crate::commits::{generate, import};
use crate::load::Figures;
use crate::table::row;
use crate::writer::{now_ms, registry};
use annuaire_consolidate::entity_key;
use annuaire_ecps::{
    ActivationRight, ApprovalMethods, ContactBook, KnownContacts, LocalMailbox, MeansEnded, MessageSender, PhoneService,
    PhoneSettings, SimulatedPhone,
};
use annuaire_identity::{ClientRecord, GrantType, Provider, ProviderAddresses, ProviderSettings, REALM, SubjectForm, router};
use annuaire_store::{Entropy, Registry};
use annuaire_web::{Gate, GateSettings};
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt;

const HOST: &str = "https://id.example";
const CALLBACK: &str = "https://app.example/callback";
const CLIENT: &str = "bench";
/// Requests under way at once.
const TASKS: usize = 8;
/// No pause after a request.
const AT_ONCE: Duration = Duration::ZERO;
/// From one request of a task to its next: a thousand a second of all tasks.
const PACE: Duration = Duration::from_millis(8);
/// People who log in.
const PEOPLE: usize = 32;

/// Everybody has a mail address and a mobile phone.
struct Everybody;

#[async_trait]
impl ContactBook for Everybody {
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String> {
        let mail = Some(format!("{national_id}@exemple.test"));
        Ok(Some(KnownContacts { mail, mobile: Some("+33639980011".into()), name: "Camille".into(), birth_date: None }))
    }
}

#[async_trait]
impl ActivationRight for Everybody {
    async fn is_withheld(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    async fn note_activation(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn is_frozen(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }
}

/// No means ends here.
struct Nobody;

#[async_trait]
impl MeansEnded for Nobody {
    async fn means_ended(&self, _: &str, _: &str) {}
}

/// The provider of the measurement.
struct Bench {
    app: Router,
    phone: Arc<PhoneService>,
}

/// A person with a phone, the cookies of a browser, and tokens.
struct BenchHolder {
    phone: SimulatedPhone,
    national_id: String,
    cookies: Vec<(String, String)>,
    access: String,
}

/// Prints the table.
pub fn run(professionals: &str, seconds: f64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let files = generate(dir.path(), "files", professionals)?;
    import(dir.path(), &data, &files)?;
    let blocking = registry(&data)?;
    let registry = Arc::clone(blocking.registry());
    let runtime = tokio::runtime::Runtime::new()?;
    let time = Duration::from_secs_f64(seconds);
    runtime.block_on(async {
        let (bench, mailbox) = bench(&registry).await?;
        let mut holders = Vec::new();
        for national_id in some_people(&registry).await? {
            let phone = SimulatedPhone::activate(&bench.phone, &mailbox, &national_id, "Téléphone", "193574").await?;
            holders.push(BenchHolder { phone, national_id, cookies: Vec::new(), access: String::new() });
        }
        println!(
            "| Identity, {professionals} professionals, {} | Figure |\n|---|---|",
            if crate::writer::database().is_some() { "PostgreSQL" } else { "SQLite" }
        );
        let figures = each(&bench, &mut holders, (time, AT_ONCE), Work::Login).await?;
        tell("logins by phone: request, pages, approval with PIN, code, tokens", &figures, time);
        let figures = each(&bench, &mut holders, (time, AT_ONCE), Work::SessionLogin).await?;
        tell("logins in an open session: request, code, tokens", &figures, time);
        let figures = each(&bench, &mut holders, (time, AT_ONCE), Work::Introspection).await?;
        tell("introspections of tokens that stand", &figures, time);
        each(&bench, &mut holders, (Duration::ZERO, AT_ONCE), Work::SessionLogin).await?;
        let figures = each(&bench, &mut holders, (time, AT_ONCE), Work::UserInfo).await?;
        tell("UserInfo", &figures, time);
        // A node that is not full: what a person waits for.
        each(&bench, &mut holders, (Duration::ZERO, AT_ONCE), Work::SessionLogin).await?;
        let figures = each(&bench, &mut holders, (time, PACE), Work::UserInfo).await?;
        tell("UserInfo, at most a thousand a second", &figures, time);
        Ok(())
    })
}

fn tell(what: &str, figures: &Figures, time: Duration) {
    let rate = figures.count() as f64 / time.as_secs_f64();
    let (p50, p99) = (figures.p50() as f64 / 1_000.0, figures.p99() as f64 / 1_000.0);
    row(what, &format!("{rate:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms"));
}

async fn bench(registry: &Arc<dyn Registry>) -> Result<(Bench, Arc<LocalMailbox>)> {
    let entropy: Entropy = Arc::new(|bytes: &mut [u8]| {
        let random = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
        random.unwrap_or_else(|e| unreachable!("the system has random numbers: {e}"));
    });
    let clock: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(now_ms);
    let mailbox = Arc::new(LocalMailbox::new(Arc::clone(registry), Arc::clone(&entropy), Arc::clone(&clock)));
    let phone = Arc::new(PhoneService::new(PhoneSettings {
        registry: Arc::clone(registry),
        entropy: Arc::clone(&entropy),
        now_ms: Arc::clone(&clock),
        secret: [7; 32],
        messages: Arc::clone(&mailbox) as Arc<dyn MessageSender>,
        contacts: Arc::new(Everybody),
        rights: Arc::new(Everybody),
        ended: Arc::new(Nobody),
        public_base: HOST.into(),
        push: None,
        methods: ApprovalMethods::default(),
    }));
    let provider = Arc::new(Provider::new(ProviderSettings {
        registry: Arc::clone(registry),
        entropy,
        now_ms: clock,
        secret: [7; 32],
        gate: Arc::new(Gate::new(GateSettings::new([7; 32], Arc::new(|| now_ms() * 1_000)))),
        addresses: ProviderAddresses::of_host(HOST),
        subject: SubjectForm::Uuid,
        phone: Arc::clone(&phone),
        sandbox: false,
        style: "/style.css".into(),
        certificates: None,
    }));
    let record = ClientRecord {
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ..ClientRecord::with_secret(CLIENT, "Mesure", vec![CALLBACK.to_owned()], "secret", 0)
    };
    provider.register_client(&record, "bench").await?;
    Ok((Bench { app: router(&provider), phone }, mailbox))
}

/// Persons of the nation who may log in: those with a situation.
async fn some_people(registry: &Arc<dyn Registry>) -> Result<Vec<String>> {
    let tx = registry.last_tx().await?;
    let (mut found, mut after) = (Vec::new(), "PP:".to_owned());
    while found.len() < PEOPLE {
        let (facts, next) = registry.standing(tx, &after, 1_000).await?;
        let open = facts.iter().filter(|fact| fact.key.owner == "psla" && fact.payload.contains("\"situations\""));
        found.extend(open.filter_map(|fact| entity_key::number_of_person(&fact.key.entity)).map(str::to_owned));
        after = next.context("the nation has too few people")?;
    }
    found.truncate(PEOPLE);
    Ok(found)
}

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Login,
    SessionLogin,
    Introspection,
    UserInfo,
}

/// Does the work by tasks side by side, each with some of the holders, at least once each: for a time, one request in each pace of a task.
async fn each(bench: &Bench, holders: &mut Vec<BenchHolder>, (time, pace): (Duration, Duration), work: Work) -> Result<Figures> {
    let share = holders.len().div_ceil(TASKS);
    let mut tasks = Vec::new();
    while !holders.is_empty() {
        let mut mine: Vec<BenchHolder> = holders.drain(..share.min(holders.len())).collect();
        let bench = Bench { app: bench.app.clone(), phone: Arc::clone(&bench.phone) };
        tasks.push(tokio::spawn(async move {
            let (mut times, start) = (Vec::new(), Instant::now());
            loop {
                for holder in &mut mine {
                    let begun = Instant::now();
                    bench.work(holder, work).await?;
                    times.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
                    // A timer waits a millisecond for nothing.
                    if !pace.is_zero() {
                        tokio::time::sleep(pace.saturating_sub(begun.elapsed())).await;
                    }
                }
                if start.elapsed() >= time {
                    return Ok::<_, anyhow::Error>((Figures::of(times), mine));
                }
            }
        }));
    }
    let mut all = Figures::default();
    for task in tasks {
        let (figures, mine) = task.await??;
        all.join(&figures);
        holders.extend(mine);
    }
    Ok(all)
}

impl Bench {
    async fn send(&self, request: axum::http::request::Builder, body: String) -> Result<(axum::http::Response<()>, String)> {
        let request = request.header(header::HOST, "id.example").body(Body::from(body))?;
        let (parts, body) = self.app.clone().oneshot(request).await?.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await?;
        Ok((axum::http::Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec())?))
    }

    async fn browse(
        &self,
        holder: &mut BenchHolder,
        request: axum::http::request::Builder,
        body: String,
    ) -> Result<(String, String)> {
        let cookies: Vec<String> = holder.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (response, body) = self.send(request.header(header::COOKIE, cookies.join("; ")), body).await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str()?.split_once('=').context("a cookie")?;
            holder.cookies.retain(|(known, _)| known != name);
            holder.cookies.push((name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned()));
        }
        let location = response.headers().get(header::LOCATION).map(|to| to.to_str().map(str::to_owned)).transpose()?;
        Ok((location.unwrap_or_default(), body))
    }

    async fn work(&self, holder: &mut BenchHolder, work: Work) -> Result<()> {
        let realm = format!("{REALM}/protocol/openid-connect");
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:secret")));
        match work {
            Work::Login | Work::SessionLogin => {
                if work == Work::Login {
                    holder.cookies.clear();
                }
                let code = self.code(holder, work).await?;
                let form = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)]);
                let request = Request::post(format!("{realm}/token")).header(header::AUTHORIZATION, basic);
                let (_, body) = self.send(request, form).await?;
                let tokens: Value = serde_json::from_str(&body)?;
                holder.access = tokens["access_token"].as_str().with_context(|| body.clone())?.to_owned();
            }
            Work::Introspection => {
                let request = Request::post(format!("{realm}/token/introspect")).header(header::AUTHORIZATION, basic);
                let (_, body) = self.send(request, encoded(&[("token", &holder.access)])).await?;
                ensure!(body.contains("\"active\":true"), "{body}");
            }
            Work::UserInfo => {
                let bearer = format!("Bearer {}", holder.access);
                let request = Request::get(format!("{realm}/userinfo")).header(header::AUTHORIZATION, bearer);
                let (response, body) = self.send(request, String::new()).await?;
                ensure!(response.status().is_success(), "{body}");
            }
        }
        Ok(())
    }

    /// Walks the pages of a login, or none when there is a session.
    async fn code(&self, holder: &mut BenchHolder, work: Work) -> Result<String> {
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", "openid scope_all"),
            ("acr_values", "eidas1"),
            ("state", "s"),
            ("nonce", "n"),
        ]);
        let (mut to, _) = self.browse(holder, Request::get(format!("/auth?{query}")), String::new()).await?;
        if work == Work::Login {
            let (_, page) = self.browse(holder, Request::get(&to), String::new()).await?;
            let proof = between(&page, "name=\"proof\" value=\"", "\"")?.to_owned();
            let id = holder.national_id.clone();
            let form = encoded(&[("proof", &proof), ("identifiant", &id), ("action", "e-cps")]);
            let (wait, _) = self.browse(holder, Request::post(&to), form).await?;
            let (_, page) = self.browse(holder, Request::get(&wait), String::new()).await?;
            holder.phone.approve(&self.phone, between(&page, "Nombre à choisir\">", "<")?).await?;
            (to, _) = self.browse(holder, Request::get(&wait), String::new()).await?;
        }
        let query = to.split_once('?').context("no answer to the client")?.1;
        let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
        Ok(code.with_context(|| to.clone())?.1.into_owned())
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let rest = text.split_once(before).with_context(|| format!("no {before} in {text}"))?.1;
    Ok(rest.split_once(after).context("an end")?.0)
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut all = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        all.append_pair(name, value);
    }
    all.finish()
}
