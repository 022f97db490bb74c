//! `annuaire-bench portal [PROFESSIONALS | HOST:PORT]`: the pages of managers on the registry of a nation. A demonstration is started (or the
//! one of that address is taken), a manager logs in by the simulated phone, and each page is asked again and again over HTTP. The time is
//! that of a whole answer on one connection, so that it contains the server's time.

use crate::load::{Connection, Figures};
use crate::program;
use crate::table::row;
use anyhow::{Context, Result, bail, ensure};
use std::time::{Duration, Instant};

/// The manager of the demonstration, and their place in its simulator.
const MANAGER: (&str, u32) = ("899900000029", 1);
const SITE: &str = "990000010";
/// Answers of each page.
const ANSWERS: usize = 400;
/// The rate of requests of one browser is bounded, and an answer that was refused for it is no figure.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
/// Searches, each with its own words: no answer is found in a cache of the searches before it.
const SEARCHES: [(&str, &str, &str); 8] = [
    ("pharmacie", "", ""),
    ("pharmacie du centre", "", ""),
    ("clinique", "29200", ""),
    ("centre hospitalier", "", "Brest"),
    ("cabinet", "", "Lyon"),
    ("residence", "75012", ""),
    ("", "35000", ""),
    ("laboratoire", "13001", "Marseille"),
];

/// A browser with its cookies and its connection.
struct Browser {
    connection: Connection,
    origin: String,
    cookies: Vec<(String, String)>,
    page: Vec<u8>,
}

impl Browser {
    fn of(host: &str) -> Result<Self> {
        let port = host.rsplit(':').next().context("HOST:PORT")?;
        let origin = format!("http://localhost:{port}");
        Ok(Self { connection: Connection::open(host)?, origin, cookies: Vec::new(), page: Vec::new() })
    }

    /// One request, with the time until the answer was received. A redirection is not followed: its address is returned.
    fn ask(&mut self, path: &str, form: Option<&[(String, String)]>) -> Result<(u16, Option<String>, Duration)> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = format!("Origin: {}\r\nCookie: {}\r\n", self.origin, cookies.join("; "));
        let body = form.map(|form| form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        if let Some(body) = &body {
            headers += &format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
        }
        let mut answered = Vec::new();
        let start = Instant::now();
        let method = if body.is_some() { "POST" } else { "GET" };
        let status = self.connection.exchange(
            (method, path),
            &headers,
            body.unwrap_or_default().as_bytes(),
            &mut self.page,
            &mut answered,
        )?;
        let took = start.elapsed();
        let mut to = None;
        for line in answered {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("location") {
                to = Some(value.strip_prefix(&self.origin).unwrap_or(value).to_owned());
            } else if let Some((cookie, value)) = name
                .eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().and_then(|pair| pair.split_once('=')))
                .flatten()
            {
                self.cookies.retain(|(known, _)| known != cookie);
                self.cookies.push((cookie.to_owned(), value.to_owned()));
            }
        }
        Ok((status, to, took))
    }

    /// Asks, and goes where the answers lead; returns the path of the page.
    fn go(&mut self, path: &str, form: Option<&[(String, String)]>) -> Result<String> {
        let (mut status, mut to, _) = self.ask(path, form)?;
        let mut at = path.to_owned();
        for _ in 0..12 {
            match to {
                Some(next) if (300..400).contains(&status) => {
                    at = next;
                    (status, to, _) = self.ask(&at, None)?;
                }
                _ => break,
            }
        }
        ensure!(status == 200, "{status} for {at}");
        Ok(at)
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.page)
    }

    /// The time until a page is there, that of a redirection included. Waits before it while the rate allows no request.
    fn answered(&mut self, path: &str, form: Option<&[(String, String)]>) -> Result<Duration> {
        loop {
            match self.ask(path, form)? {
                // A page too: one that says which words are too wide.
                (200 | 422, _, took) => return Ok(took),
                (300..400, Some(to), took) => return Ok(took + self.answered(&to, None)?),
                (429, ..) => std::thread::sleep(REFUSED_PAUSE),
                (status, ..) => bail!("{status} for {path}"),
            }
        }
    }
}

/// The value of an attribute in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag.get(at..)?.split('"').next()
}

/// What the first form to an address that ends so would send: texts, hidden members, what is chosen, and no button. With it, the address.
fn form(page: &str, address: &str) -> Result<(String, Vec<(String, String)>)> {
    let mut forms = page.split("<form").skip(1).filter_map(|part| part.split("</form>").next());
    let form = forms.find(|form| attribute(form, "action").is_some_and(|action| action.ends_with(address)));
    let form = form.with_context(|| format!("no form to {address}"))?;
    let action = attribute(form, "action").context("a form has an address")?.to_owned();
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1).filter_map(|part| part.split('>').next()) {
        let chosen = !matches!(attribute(tag, "type"), Some("radio" | "checkbox")) || tag.contains(" checked");
        if let Some(name) = attribute(tag, "name").filter(|_| chosen) {
            fields.push((name.to_owned(), attribute(tag, "value").unwrap_or_default().to_owned()));
        }
    }
    Ok((action, fields))
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Sets a member of a form.
fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(known, _)| known != name);
    fields.push(pair(name, value));
}

/// Logs a manager in by the simulated phone.
fn log_in(browser: &mut Browser, host: &str) -> Result<()> {
    let (person, place) = MANAGER;
    let at = browser.go("/auth/entree?retour=/portail/gae", None)?;
    let (action, mut fields) = form(&browser.text(), &at)?;
    set(&mut fields, "identifiant", person);
    set(&mut fields, "action", "e-cps");
    let waiting = browser.go(&action, Some(&fields))?;
    let shown = browser.text().split("choisir\">").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned);
    let number = shown.context("the page shows no number")?;
    let mut phone = Browser::of(host)?;
    let simulator = format!("/e-cps/simulateur/{place}");
    phone.go(&simulator, None)?;
    let (action, mut fields) = form(&phone.text(), &simulator)?;
    set(&mut fields, "decision", &number);
    phone.go(&action, Some(&fields))?;
    let at = browser.go(&waiting, None)?;
    ensure!(at.starts_with("/portail/gae"), "the login ended at {at}");
    Ok(())
}

/// Prints the table.
pub fn run(what: &str) -> Result<()> {
    if what.contains(':') {
        return measure(what, "a running demonstration");
    }
    let server = program::demo(what)?;
    measure(&server.host, &format!("{what} professionals"))
}

fn measure(host: &str, nation: &str) -> Result<()> {
    let mut browser = Browser::of(host)?;
    log_in(&mut browser, host)?;
    // A person who never came accepts the charter first.
    browser.go("/portail/gae/charte", None)?;
    if let Ok((action, mut fields)) = form(&browser.text(), "/charte") {
        set(&mut fields, "accepte", "oui");
        browser.go(&action, Some(&fields))?;
    }
    browser.go("/portail/gae/nouvelle", None)?;
    let (action, mut fields) = form(&browser.text(), "/nouvelle")?;
    set(&mut fields, "structure", SITE);
    let request = browser.go(&action, Some(&fields))?;
    let mut reads = vec![
        ("home", "/portail/gae".to_owned()),
        ("« Mes demandes », three tables", "/portail/gae/demandes".to_owned()),
        ("the same, by name", "/portail/gae/demandes?nom=essai".to_owned()),
        ("a request in entry", request.clone()),
        ("« Mes effectifs »", "/portail/gae/effectifs".to_owned()),
        ("dashboard", "/portail/gae/tableau".to_owned()),
        ("messages", "/portail/gae/messages".to_owned()),
    ];
    reads.push(("proposals of communes", "/portail/communes?q=sainte-a".to_owned()));
    println!("| Portal, {nation}, {ANSWERS} answers each | Figure |\n|---|---|");
    for (what, path) in &reads {
        tell(what, (0..ANSWERS).map(|_| browser.answered(path, None)).collect::<Result<Vec<_>>>()?);
    }
    for (name, postal_code, town) in SEARCHES {
        let mut times = Vec::new();
        for _ in 0..ANSWERS / SEARCHES.len() {
            browser.go(&request, None)?;
            let (action, mut fields) = form(&browser.text(), "/saisie")?;
            for (member, value) in
                [("q-nom", name), ("q-cp", postal_code), ("q-commune", town), ("faire", "chercher-structure-partout")]
            {
                set(&mut fields, member, value);
            }
            times.push(browser.answered(&action, Some(&fields))?);
        }
        tell(&format!("structures, saved and searched: « {name} {postal_code} {town} »"), times);
    }
    let mut times = Vec::new();
    for _ in 0..ANSWERS {
        browser.go("/portail/gae/enregistrements", None)?;
        let (action, mut fields) = form(&browser.text(), "/enregistrements")?;
        set(&mut fields, "rpps", "99900000011");
        set(&mut fields, "faire", "numero");
        times.push(browser.answered(&action, Some(&fields))?);
    }
    tell("a person by number", times);
    Ok(())
}

fn tell(what: &str, times: Vec<Duration>) {
    let figures = Figures::of(times.iter().map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).collect());
    let of = |micros: u64| micros as f64 / 1_000.0;
    row(what, &format!("p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms", of(figures.p50()), of(figures.p99()), of(figures.worst())));
}
