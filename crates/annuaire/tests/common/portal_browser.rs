//! A browser without a window, for tests that go through the pages of the portal: cookies, forms, redirections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a page says that serves nobody just now, by status.
const BUSY: [(u16, &str); 2] = [(429, "Trop de"), (503, "Le service est momentanément indisponible")];
/// How often such a page is asked again.
const TRIES: u32 = 100;

/// A profile of its own at a demonstration.
pub struct PortalBrowser {
    port: u16,
    cookies: Vec<(String, String)>,
    /// Path and text of the page that is shown.
    pub at: String,
    pub page: String,
    /// Pages that said that nobody is served just now.
    pub busy: u32,
}

/// A form as it would be sent, without any button.
pub struct PageForm {
    action: String,
    pub fields: Vec<(String, String)>,
}

impl PageForm {
    /// Sets a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The value of an attribute in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[at..].split('"').next()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl PortalBrowser {
    pub fn of(port: u16) -> Self {
        Self { port, cookies: Vec::new(), at: String::new(), page: String::new(), busy: 0 }
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// One request: status and `Location`.
    fn ask(&mut self, path: &str, form: Option<&PageForm>) -> (u16, Option<String>) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pairs = form.iter().flat_map(|form| &form.fields);
        let body = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&");
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // A client of HTTP/1.0 gets no chunks.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost:{}\r\nConnection: close\r\nOrigin: {}\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            self.origin(),
            cookies.join("; "),
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, page) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer for {method} {path}"));
        page.clone_into(&mut self.page);
        let mut to = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("location") {
                to = Some(value.strip_prefix(&self.origin()).unwrap_or(value).to_owned());
            } else if let Some((cookie, value)) =
                name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap().split_once('=').unwrap())
            {
                self.cookies.retain(|(known, _)| known != cookie);
                self.cookies.push((cookie.to_owned(), value.to_owned()));
            }
        }
        (head.split(' ').nth(1).unwrap().parse().unwrap(), to)
    }

    /// Asks until somebody is served, and goes where the answers lead; returns the status of the page. Whoever is not served just now is told so in
    /// words, and may ask again.
    fn go(&mut self, path: &str, form: Option<&PageForm>) -> u16 {
        let (mut at, mut form) = (path.to_owned(), form);
        for _ in 0..TRIES {
            match self.ask(&at, form) {
                (300..400, Some(to)) => (at, form) = (to, None),
                (status, _) if BUSY.iter().any(|(busy, words)| *busy == status && self.page.contains(words)) => {
                    self.busy += 1;
                    std::thread::sleep(Duration::from_millis(200));
                }
                (status, _) => {
                    self.at = at;
                    return status;
                }
            }
        }
        panic!("nobody is served at {at}: {}", self.page);
    }

    /// Opens a page, which must be there.
    pub fn open(&mut self, path: &str) {
        let status = self.go(path, None);
        assert_eq!(status, 200, "{path}: {}", self.page);
    }

    /// Sends a form, which must lead to a page.
    pub fn send(&mut self, form: &PageForm) {
        let status = self.go(&form.action, Some(form));
        assert_eq!(status, 200, "{}: {}", form.action, self.page);
    }

    /// The first form of the page to an address that ends so: texts, hidden members and what is chosen.
    pub fn form(&self, address: &str) -> PageForm {
        let mut forms = self.page.split("<form").skip(1).filter_map(|part| part.split("</form>").next());
        let to = |form: &&str| attribute(form, "action").is_some_and(|action| action.ends_with(address));
        let form = forms.find(to).unwrap_or_else(|| panic!("no form to {address} at {}: {}", self.at, self.page));
        let mut fields = Vec::new();
        for tag in form.split("<input").skip(1).map(|part| part.split('>').next().unwrap()) {
            let is_chosen = !matches!(attribute(tag, "type"), Some("radio" | "checkbox")) || tag.contains(" checked");
            if let Some(name) = attribute(tag, "name").filter(|_| is_chosen) {
                fields.push((name.to_owned(), attribute(tag, "value").unwrap_or_default().to_owned()));
            }
        }
        for list in form.split("<select").skip(1).map(|part| part.split("</select>").next().unwrap()) {
            let mut options = list.split("<option").skip(1).map(|option| option.split('>').next().unwrap());
            let chosen = options.find(|option| option.contains(" selected")).and_then(|option| attribute(option, "value"));
            if let Some(name) = attribute(list.split('>').next().unwrap(), "name") {
                fields.push((name.to_owned(), chosen.unwrap_or_default().to_owned()));
            }
        }
        PageForm { action: attribute(form, "action").unwrap().to_owned(), fields }
    }

    /// The form with everything confirmed that the page asks to confirm; `None` when it asks for nothing.
    pub fn confirmed(&self, address: &str) -> Option<PageForm> {
        let mut form = self.form(address);
        let boxes = self.page.split("<input").skip(1).map(|part| part.split('>').next().unwrap());
        let asked: Vec<&str> = boxes
            .filter(|tag| attribute(tag, "name") == Some("confirme") && !tag.contains(" checked"))
            .filter_map(|tag| attribute(tag, "value"))
            .collect();
        form.fields.extend(asked.iter().map(|value| ("confirme".to_owned(), (*value).to_owned())));
        (!asked.is_empty()).then_some(form)
    }

    /// Logs a person of the demonstration in to the space of managers, by the phone that stands at this place of the simulator.
    pub fn log_in(&mut self, national_id: &str, place: usize) {
        self.open("/auth/entree?retour=/portail/gae");
        let at = self.at.clone();
        self.send(&self.form(&at).with("identifiant", national_id).with("action", "e-cps"));
        let waiting = self.at.clone();
        let number = self.page.split("choisir\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned();
        let mut phone = Self::of(self.port);
        let simulator = format!("/e-cps/simulateur/{place}");
        phone.open(&simulator);
        phone.send(&phone.form(&simulator).with("decision", &number));
        self.open(&waiting);
        assert_eq!(self.at, "/portail/gae", "{}", self.page);
    }
}
