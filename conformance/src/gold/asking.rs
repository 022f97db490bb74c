//! Asking a directory as a browser does, and reading its results.

use std::time::{Duration, Instant};

/// Longest body that is read.
const BODY: u64 = 16 << 20;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the pages of a directory, one query after the other on one connection.
pub struct GoldAsker {
    base: String,
    agent: ureq::Agent,
}

/// The answer to a query.
#[derive(Debug, Clone, Default)]
pub struct GoldAnswer {
    /// Status; 0 when there was none.
    pub status: u16,
    /// From the request to the last byte.
    pub took: Duration,
    /// Paths of results in their order: `professionnel/8…`, `structure/F…`. A redirection to a sheet is its one result.
    pub results: Vec<String>,
    /// The page; empty for a redirection.
    pub body: String,
}

impl GoldAsker {
    /// `base` is the address of the pages, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
        Self { base: base.trim_end_matches('/').to_owned(), agent: config.build().into() }
    }

    /// Asks `/recherche?q=…&ou=…`.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks off.
    #[expect(clippy::disallowed_methods, reason = "it measures how long an answer takes")]
    pub fn ask(&self, q: &str, ou: &str) -> Result<GoldAnswer, String> {
        let url = format!("{}/recherche?q={}&ou={}", self.base, encoded(q), encoded(ou));
        let begin = Instant::now();
        let mut response = self.agent.get(&url).call().map_err(|e| format!("{url}: {e}"))?;
        let body = response.body_mut().with_config().limit(BODY).read_to_string().map_err(|e| format!("{url}: {e}"))?;
        let took = begin.elapsed();
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|l| l.to_str().ok()).unwrap_or_default();
        let results = if (300..400).contains(&status) { sheet_of(location).into_iter().collect() } else { results_of(&body) };
        Ok(GoldAnswer { status, took, results, body })
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// `professionnel/ID` or `structure/ID` of the address of a sheet.
fn sheet_of(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?;
    ["professionnel", "structure"].into_iter().find_map(|kind| {
        let (_, id) = path.rsplit_once(&format!("/{kind}/"))?;
        (!id.is_empty() && !id.contains('/')).then(|| format!("{kind}/{id}"))
    })
}

/// The results of a page: in the list of class `results`, the first link to a sheet of each heading. Links beside a heading, such as
/// those of a person to places of practice, are none. A sheet counts once.
fn results_of(page: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let Some((_, list)) = page.split_once("class=\"results\"") else { return out };
    for part in list.split("<h").skip(1).filter(|part| part.starts_with(|c: char| c.is_ascii_digit())) {
        let heading = part.split("</h").next().unwrap_or_default();
        let links = heading.split("href=\"").skip(1).filter_map(|link| link.split('"').next());
        if let Some(sheet) = links.filter_map(sheet_of).next()
            && !out.contains(&sheet)
        {
            out.push(sheet);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    #[test]
    fn results_are_the_links_of_headings_in_their_order() {
        let page = r#"<a href="/structure/F0">x</a><ol class="results"><li><h2><a href="/p/professionnel/812?x=1">A</a></h2>
            <p><a href="/structure/F1">place</a></p></li><li><h3 id="x"><a href="/structure/F2">B</a></h3></li>
            <li><h2><a href="/p/professionnel/812">A</a></h2></li><li><h2><a href="/aide">aide</a></h2></li></ol>"#;
        assert_eq!(results_of(page), ["professionnel/812", "structure/F2"]);
        assert!(results_of("<h2><a href=\"/structure/F2\">B</a></h2>").is_empty());
    }

    /// Serves these answers to the requests of one connection, and gives the lines of the requests.
    fn one_connection(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut asked = Vec::new();
            for answer in answers {
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                asked.push(first.trim_end().to_owned());
                let mut line = String::new();
                while line != "\r\n" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (base, server)
    }

    #[test]
    fn queries_go_over_one_connection_and_redirections_are_not_followed() {
        let page = "<ol class=\"results\"><li><h2><a href=\"/structure/F1\">x</a></h2></li></ol>";
        let (base, server) = one_connection(vec![
            "HTTP/1.1 303 See Other\r\nLocation: /professionnel/810\r\nContent-Length: 0\r\n\r\n".into(),
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{page}", page.len()),
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno".into(),
        ]);
        let asker = GoldAsker::new(&format!("{base}/"));
        let answers: Vec<GoldAnswer> =
            [("810", ""), ("l'été", "29200"), ("", "")].into_iter().map(|(q, ou)| asker.ask(q, ou).unwrap()).collect();
        assert_eq!(
            server.join().unwrap()[..2],
            ["GET /recherche?q=810&ou= HTTP/1.1", "GET /recherche?q=l%27%C3%A9t%C3%A9&ou=29200 HTTP/1.1"]
        );
        assert_eq!(answers.iter().map(|a| a.status).collect::<Vec<_>>(), [303, 200, 400]);
        assert_eq!(answers[0].results, ["professionnel/810"]);
        assert_eq!(answers[1].results, ["structure/F1"]);
        assert!(answers[2].results.is_empty() && answers[2].body == "no");
    }

    #[test]
    fn a_redirection_leads_to_a_sheet_or_nowhere() {
        assert_eq!(sheet_of("http://x.test/a/structure/F990000010"), Some("structure/F990000010".to_owned()));
        assert_eq!(sheet_of("/professionnel/810?x"), Some("professionnel/810".to_owned()));
        assert_eq!(sheet_of("/recherche?q=/structure/x"), None);
        assert_eq!(sheet_of("/professionnel/810/historique"), None);
    }
}
