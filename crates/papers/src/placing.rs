//! Where each line stands: blocks are broken into lines, and lines into pages.

use crate::letters::Letters;
use crate::limits::{
    BLOCK_GAP, HEADING_GAP, HEADING_SIZES, ITEM_INDENT, LEADING, MARGIN, NOTE_SIZE, PAGE_HEIGHT, PAGE_WIDTH, PAGES, QR_QUIET,
    QR_SIDE, TEXT_SIZE, VALUE_INDENT,
};
use crate::paper::{Paper, PaperBlock, PaperError};
use qrcode::{Color, QrCode};

/// A line of text on a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedLine {
    /// Number of its page, from 0.
    pub(crate) page: usize,
    pub(crate) left: f32,
    pub(crate) baseline: f32,
    pub(crate) size: f32,
    pub(crate) is_bold: bool,
    /// Ends with a blank when the text goes on in the next line, so that words stay apart when it is read aloud.
    pub(crate) text: String,
}

/// The dark squares of a QR code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedCode {
    pub(crate) page: usize,
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) side: f32,
    /// Left, top and side of each dark module.
    pub(crate) squares: Vec<(f32, f32, f32)>,
}

/// A block with its lines: one text for a paragraph, label and value for each fact, and so on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PlacedBlock {
    pub(crate) texts: Vec<Vec<PlacedLine>>,
    pub(crate) code: Option<PlacedCode>,
}

/// All of a paper, block by block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedPaper {
    pub(crate) blocks: Vec<PlacedBlock>,
    pub(crate) pages: usize,
}

/// How a text is set.
#[derive(Clone, Copy)]
struct Setting {
    left: f32,
    size: f32,
    is_bold: bool,
    width: f32,
}

impl Setting {
    fn text() -> Self {
        Self { left: MARGIN, size: TEXT_SIZE, is_bold: false, width: PAGE_WIDTH - 2.0 * MARGIN }
    }

    fn at(self, indent: f32) -> Self {
        Self { left: self.left + indent, width: self.width - indent, ..self }
    }

    fn height(self) -> f32 {
        self.size * LEADING
    }
}

/// The place that the next line takes.
struct Pen<'a> {
    letters: &'a Letters,
    page: usize,
    top: f32,
}

/// Breaks a text at its blanks, and a word that is wider than the line where the line ends.
fn broken(letters: &Letters, text: &str, setting: Setting) -> Vec<String> {
    let width = |text: &str| letters.width(text, setting.is_bold, setting.size);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in letters.drawable(text).split(' ').filter(|word| !word.is_empty()) {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer) <= setting.width {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(format!("{line} "));
            line.clear();
        }
        for letter in word.chars() {
            line.push(letter);
            if width(&line) > setting.width && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(letter);
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

impl Pen<'_> {
    /// Goes to the next page when less than this height is left.
    fn need(&mut self, height: f32) {
        if self.top + height > PAGE_HEIGHT - MARGIN {
            self.page += 1;
            self.top = MARGIN;
        }
    }

    fn set(&mut self, text: &str, setting: Setting) -> Vec<PlacedLine> {
        let mut placed = Vec::new();
        for text in broken(self.letters, text, setting) {
            self.need(setting.height());
            let baseline = self.top + setting.size;
            let Setting { left, size, is_bold, .. } = setting;
            placed.push(PlacedLine { page: self.page, left, baseline, size, is_bold, text });
            self.top += setting.height();
        }
        placed
    }

    fn facts(&mut self, facts: &[(String, String)]) -> Vec<Vec<PlacedLine>> {
        let label = Setting { width: VALUE_INDENT - BLOCK_GAP, ..Setting::text() };
        let value = Setting { is_bold: true, ..Setting::text().at(VALUE_INDENT) };
        let mut texts = Vec::new();
        for (name, content) in facts {
            // Label and value begin side by side, on one page.
            let lines = broken(self.letters, name, label).len().max(broken(self.letters, content, value).len());
            self.need(label.height() * lines as f32);
            let (page, top) = (self.page, self.top);
            texts.push(self.set(name, label));
            let under_label = (self.page, self.top);
            (self.page, self.top) = (page, top);
            texts.push(self.set(content, value));
            if under_label.0 > self.page || (under_label.0 == self.page && under_label.1 > self.top) {
                (self.page, self.top) = under_label;
            }
        }
        texts
    }

    fn code(&mut self, url: &str) -> Result<PlacedCode, PaperError> {
        let drawn = QrCode::new(url.as_bytes()).map_err(|_| PaperError::Address(url.len()))?;
        self.need(QR_SIDE);
        let (count, colors) = (drawn.width(), drawn.to_colors());
        let module = QR_SIDE / (count + 2 * QR_QUIET) as f32;
        let at = |n: usize| (n + QR_QUIET) as f32 * module;
        let dark = colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
        let squares = dark.map(|(n, _)| (MARGIN + at(n % count), self.top + at(n / count), module)).collect();
        let code = PlacedCode { page: self.page, left: MARGIN, top: self.top, side: QR_SIDE, squares };
        self.top += QR_SIDE;
        Ok(code)
    }
}

/// Lays a paper out.
pub(crate) fn place(paper: &Paper, letters: &Letters) -> Result<PlacedPaper, PaperError> {
    let mut pen = Pen { letters, page: 0, top: MARGIN };
    let mut blocks = Vec::new();
    for block in &paper.blocks {
        let mut placed = PlacedBlock::default();
        match block {
            PaperBlock::Title(text) => {
                placed.texts.push(pen.set(text, Setting { size: HEADING_SIZES[0], is_bold: true, ..Setting::text() }));
            }
            PaperBlock::Heading(text) => {
                let setting = Setting { size: HEADING_SIZES[1], is_bold: true, ..Setting::text() };
                pen.top += HEADING_GAP;
                // A heading is not the last line of a page.
                pen.need(setting.height() + BLOCK_GAP + 2.0 * Setting::text().height());
                placed.texts.push(pen.set(text, setting));
            }
            PaperBlock::Text(text) => placed.texts.push(pen.set(text, Setting::text())),
            PaperBlock::Note(text) => placed.texts.push(pen.set(text, Setting { size: NOTE_SIZE, ..Setting::text() })),
            PaperBlock::Facts(facts) => placed.texts = pen.facts(facts),
            PaperBlock::Items(items) => {
                for item in items {
                    pen.need(Setting::text().height());
                    let (page, top) = (pen.page, pen.top);
                    placed.texts.push(pen.set("•", Setting::text()));
                    (pen.page, pen.top) = (page, top);
                    placed.texts.push(pen.set(item, Setting::text().at(ITEM_INDENT)));
                }
            }
            PaperBlock::Link { url, .. } => {
                placed.code = Some(pen.code(url)?);
                placed.texts.push(pen.set(url, Setting { size: NOTE_SIZE, ..Setting::text() }));
            }
        }
        pen.top += BLOCK_GAP;
        blocks.push(placed);
    }
    let pages = pen.page + 1;
    if pages > PAGES { Err(PaperError::Long { pages, most: PAGES }) } else { Ok(PlacedPaper { blocks, pages }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_or_leaves_the_page() {
        let letters = Letters::embedded().unwrap();
        let long = "mot ".repeat(3_000) + &"x".repeat(900);
        let facts = (0..60).map(|n| (format!("Libellé {n}"), "valeur ".repeat(n))).collect();
        let blocks = vec![PaperBlock::Title("T".into()), PaperBlock::Text(long.clone()), PaperBlock::Facts(facts)];
        let placed = place(&Paper { title: "T".into(), blocks }, &letters).unwrap();
        let told: String = placed.blocks[1].texts[0].iter().map(|line| line.text.as_str()).collect();
        assert_eq!(told, long);
        for line in placed.blocks.iter().flat_map(|block| block.texts.iter().flatten()) {
            let right = line.left + letters.width(line.text.trim_end(), line.is_bold, line.size);
            assert!(right <= PAGE_WIDTH - MARGIN + 0.01 && line.baseline <= PAGE_HEIGHT - MARGIN, "{line:?}");
        }
        assert!(placed.pages > 3);
        for pair in placed.blocks[2].texts.chunks(2).skip(1) {
            assert_eq!((pair[0][0].page, pair[0][0].baseline), (pair[1][0].page, pair[1][0].baseline));
        }
    }

    #[test]
    fn a_paper_without_end_is_refused() {
        let blocks = vec![PaperBlock::Text("mot ".repeat(100_000))];
        let refused = place(&Paper { title: String::new(), blocks }, &Letters::embedded().unwrap()).unwrap_err();
        assert!(matches!(refused, PaperError::Long { .. }));
    }
}
