//! The part of Markdown that the guides are written in, as HTML: headings, paragraphs, lists, tables, blocks of code, code, bold
//! text and links. Whatever is not of these is text.

use super::shown_answer::escape;

/// A text as HTML.
pub(crate) struct GuideText {
    /// Text of its heading of level 1.
    pub title: String,
    /// The rest, as HTML.
    pub html: String,
}

/// What is open at a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenBlock {
    Nothing,
    Paragraph,
    List,
    Table,
    Code,
}

struct GuideWriter {
    html: String,
    open: OpenBlock,
    /// Number of the present block of code: each has a name of its own for readers of screens.
    codes: usize,
    /// The last heading, which names a table.
    heading: String,
}

impl GuideText {
    /// Reads a text that begins with its title.
    pub(crate) fn of(text: &str) -> Self {
        let mut title = String::new();
        let mut writer = GuideWriter { html: String::new(), open: OpenBlock::Nothing, codes: 0, heading: String::new() };
        for line in text.lines() {
            match line.strip_prefix("# ").filter(|_| writer.open != OpenBlock::Code) {
                Some(heading) => heading.clone_into(&mut title),
                None => writer.line(line),
            }
        }
        writer.turn_to(OpenBlock::Nothing);
        Self { title, html: writer.html }
    }
}

impl GuideWriter {
    fn line(&mut self, line: &str) {
        if let Some(language) = line.strip_prefix("```") {
            match self.open {
                OpenBlock::Code => self.turn_to(OpenBlock::Nothing),
                _ => {
                    self.turn_to(OpenBlock::Code);
                    self.codes += 1;
                    // A block that is wider than the screen is scrolled by the keyboard too.
                    self.html.push_str(&format!("<pre tabindex=\"0\" role=\"region\" aria-label=\"Code {}", self.codes));
                    if !language.is_empty() {
                        self.html.push_str(", ");
                        escape(&mut self.html, language);
                    }
                    self.html.push_str("\"><code>");
                }
            }
        } else if self.open == OpenBlock::Code {
            escape(&mut self.html, line);
            self.html.push('\n');
        } else if let Some(heading) = line.strip_prefix("## ") {
            self.heading("h2", heading);
        } else if let Some(heading) = line.strip_prefix("### ") {
            self.heading("h3", heading);
        } else if let Some(item) = line.strip_prefix("- ") {
            match self.open {
                OpenBlock::List => self.html.push_str("</li>\n<li>"),
                _ => {
                    self.turn_to(OpenBlock::List);
                    self.html.push_str("<ul>\n<li>");
                }
            }
            self.inline(item);
        } else if let Some(row) = line.strip_prefix('|') {
            self.row(row);
        } else if line.trim().is_empty() {
            self.turn_to(OpenBlock::Nothing);
        } else {
            match self.open {
                // A line that goes on.
                OpenBlock::Paragraph | OpenBlock::List => self.html.push('\n'),
                _ => {
                    self.turn_to(OpenBlock::Paragraph);
                    self.html.push_str("<p>");
                }
            }
            self.inline(line.trim());
        }
    }

    fn heading(&mut self, tag: &str, text: &str) {
        self.turn_to(OpenBlock::Nothing);
        text.clone_into(&mut self.heading);
        self.html.push_str(&format!("<{tag}>"));
        self.inline(text);
        self.html.push_str(&format!("</{tag}>\n"));
    }

    /// A row of a table. The first one is its head, and that of dashes is passed over.
    fn row(&mut self, row: &str) {
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').map(str::trim).collect();
        if cells.iter().all(|cell| !cell.is_empty() && cell.bytes().all(|b| matches!(b, b'-' | b':'))) {
            return;
        }
        let (tag, end) = if self.open == OpenBlock::Table { ("td", "") } else { ("th scope=\"col\"", "</thead>\n<tbody>") };
        if self.open != OpenBlock::Table {
            self.turn_to(OpenBlock::Table);
            self.html.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"");
            escape(&mut self.html, &self.heading);
            self.html.push_str("\"><table>\n<thead>");
        }
        self.html.push_str("<tr>");
        for cell in cells {
            self.html.push_str(&format!("<{tag}>"));
            self.inline(cell);
            self.html.push_str(if tag == "td" { "</td>" } else { "</th>" });
        }
        self.html.push_str(&format!("</tr>{end}\n"));
    }

    /// Closes what is open.
    fn turn_to(&mut self, next: OpenBlock) {
        self.html.push_str(match self.open {
            OpenBlock::Nothing => "",
            OpenBlock::Paragraph => "</p>\n",
            OpenBlock::List => "</li>\n</ul>\n",
            OpenBlock::Table => "</tbody>\n</table></div>\n",
            OpenBlock::Code => "</code></pre>\n",
        });
        self.open = next;
    }

    /// Text with code, bold text and links. A mark without its end is text.
    fn inline(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['`', '*', '[']) {
            escape(&mut self.html, &rest[..at]);
            rest = &rest[at..];
            let taken = self.marked(rest);
            let taken = if taken == 0 {
                escape(&mut self.html, &rest[..1]);
                1
            } else {
                taken
            };
            rest = &rest[taken..];
        }
        escape(&mut self.html, rest);
    }

    /// Writes the code, the bold text or the link at the beginning of a text; gives its bytes, 0 when there is none.
    fn marked(&mut self, text: &str) -> usize {
        for (mark, tag) in [("`", "code"), ("**", "strong")] {
            if let Some((inside, _)) = text.strip_prefix(mark).and_then(|rest| rest.split_once(mark))
                && !inside.is_empty()
            {
                self.html.push_str(&format!("<{tag}>"));
                escape(&mut self.html, inside);
                self.html.push_str(&format!("</{tag}>"));
                return inside.len() + 2 * mark.len();
            }
        }
        let link = text
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]("))
            .and_then(|(words, rest)| Some((words, rest.split_once(')')?.0)));
        match link {
            Some((words, address)) if address.starts_with("https://") || address.starts_with("http://") => {
                self.html.push_str("<a href=\"");
                escape(&mut self.html, address);
                self.html.push_str("\">");
                escape(&mut self.html, words);
                self.html.push_str("</a>");
                words.len() + address.len() + 4
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GuideText;

    #[test]
    fn what_guides_are_written_in_becomes_html() {
        let text = "# A title\n\nText with `<code>` and **bold**\non two lines, [there](https://annuaire.example/x?a&b).\n\n## Part\n\n- one\n  goes on\n- two * [x](y)\n\n\
                    | A | B |\n|---|---|\n| `1` | 2 |\n\n```sh\ncurl '<x>' # no heading\n# neither\n```\n### Sub\n";
        let GuideText { title, html } = GuideText::of(text);
        assert_eq!(title, "A title");
        for part in [
            "<p>Text with <code>&lt;code&gt;</code> and <strong>bold</strong>\non two lines, <a href=\"https://annuaire.example/x?a&amp;b\">there</a>.</p>",
            "<h2>Part</h2>",
            "<ul>\n<li>one\ngoes on</li>\n<li>two * [x](y)</li>\n</ul>",
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Part\"><table>\n<thead><tr><th scope=\"col\">A</th><th scope=\"col\">B</th></tr></thead>\n<tbody>\n<tr><td><code>1</code></td><td>2</td></tr>\n</tbody>\n</table>",
            "<pre tabindex=\"0\" role=\"region\" aria-label=\"Code 1, sh\"><code>curl '&lt;x&gt;' # no heading\n# neither\n</code></pre>",
            "<h3>Sub</h3>",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn open_marks_are_text() {
        for text in ["# T\n`a", "**", "[a](", "[", "```", "| a", "- ", "é`é", "**a*"] {
            assert!(!GuideText::of(text).html.contains("<script"));
        }
    }
}
