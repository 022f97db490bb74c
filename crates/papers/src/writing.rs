//! The bytes: pages first, then the tree of tags that tells their order of reading (PDF/UA-1, ISO 14289-1).

use crate::letters::Letters;
use crate::limits::{MARGIN, NOTE_SIZE, PAGE_HEIGHT, PAGE_WIDTH};
use crate::paper::{Paper, PaperBlock, PaperError};
use crate::placing::{PlacedBlock, PlacedCode, PlacedLine, PlacedPaper, place};
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::configure::{Configuration, Validator};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::{Page, PageSettings};
use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, BBox, ContentTag, Identifier, ListNumbering, SpanTag, Tag, TagGroup, TagTree};
use krilla::{Document, SerializeSettings};
use std::num::NonZeroU16;

/// What was drawn of a block, for the tree of tags.
#[derive(Default)]
struct DrawnBlock {
    /// For each of its texts, the lines.
    texts: Vec<Vec<Identifier>>,
    code: Option<Identifier>,
    links: Vec<Identifier>,
}

fn refused(cause: &impl std::fmt::Debug) -> PaperError {
    PaperError::Writer(format!("{cause:?}"))
}

fn draw_line(surface: &mut Surface<'_>, letters: &Letters, line: &PlacedLine) {
    let glyphs = letters.glyphs(&line.text, line.is_bold);
    let start = Point::from_xy(line.left, line.baseline);
    surface.draw_glyphs(start, &glyphs, letters.font(line.is_bold), &line.text, line.size, false);
}

fn draw_code(surface: &mut Surface<'_>, code: &PlacedCode) {
    let mut path = PathBuilder::new();
    for (left, top, side) in &code.squares {
        if let Some(square) = Rect::from_xywh(*left, *top, *side, *side) {
            path.push_rect(square);
        }
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

/// « 1 / 2 » at the foot: nobody hears it read between two paragraphs.
fn draw_number(surface: &mut Surface<'_>, letters: &Letters, page: usize, pages: usize) {
    let text = format!("{} / {pages}", page + 1);
    let left = PAGE_WIDTH - MARGIN - letters.width(&text, false, NOTE_SIZE);
    let baseline = PAGE_HEIGHT - MARGIN / 2.0;
    surface.start_tagged(ContentTag::Artifact(ArtifactType::Footer));
    draw_line(surface, letters, &PlacedLine { page, left, baseline, size: NOTE_SIZE, is_bold: false, text });
    surface.end_tagged();
}

/// The place of a line of the link, as an annotation that a click follows.
fn link_of(letters: &Letters, line: &PlacedLine, url: &str) -> Option<Annotation> {
    let width = letters.width(&line.text, line.is_bold, line.size);
    let place = Rect::from_xywh(line.left, line.baseline - line.size, width, line.size * 1.25)?;
    let target = Target::Action(Action::Link(LinkAction::new(url.to_owned())));
    Some(Annotation::new_link(LinkAnnotation::new(place, target), Some(url.to_owned())))
}

fn draw_page(page: &mut Page<'_>, paper: &Paper, letters: &Letters, placed: &PlacedPaper, n: usize, drawn: &mut [DrawnBlock]) {
    let mut surface = page.surface();
    for (block, drawn) in placed.blocks.iter().zip(drawn.iter_mut()) {
        if let Some(code) = block.code.as_ref().filter(|code| code.page == n) {
            drawn.code = Some(surface.start_tagged(ContentTag::Other));
            draw_code(&mut surface, code);
            surface.end_tagged();
        }
        for (lines, drawn) in block.texts.iter().zip(&mut drawn.texts) {
            for line in lines.iter().filter(|line| line.page == n) {
                drawn.push(surface.start_tagged(ContentTag::Span(SpanTag::empty())));
                draw_line(&mut surface, letters, line);
                surface.end_tagged();
            }
        }
    }
    draw_number(&mut surface, letters, n, placed.pages);
    surface.finish();
    for ((written, block), drawn) in paper.blocks.iter().zip(&placed.blocks).zip(drawn.iter_mut()) {
        let PaperBlock::Link { url, .. } = written else { continue };
        for line in block.texts.iter().flatten().filter(|line| line.page == n) {
            drawn.links.extend(link_of(letters, line, url).map(|link| page.add_tagged_annotation(link)));
        }
    }
}

fn group(tag: impl Into<krilla::tagging::TagKind>, children: Vec<Identifier>) -> TagGroup {
    let mut group = TagGroup::new(tag);
    for child in children {
        group.push(child);
    }
    group
}

/// A list of labels and bodies: facts and items alike.
fn list_of(numbering: ListNumbering, texts: Vec<Vec<Identifier>>) -> TagGroup {
    let mut list = TagGroup::new(Tag::L(numbering));
    let mut texts = texts.into_iter();
    while let (Some(label), Some(body)) = (texts.next(), texts.next()) {
        let mut item = TagGroup::new(Tag::LI);
        item.push(group(Tag::Lbl, label));
        item.push(group(Tag::LBody, body));
        list.push(item);
    }
    list
}

fn tag_block(tree: &mut TagTree, block: &PaperBlock, place: Option<&PlacedCode>, drawn: DrawnBlock) {
    let DrawnBlock { texts, code, links } = drawn;
    let joined = |texts: Vec<Vec<Identifier>>| texts.into_iter().flatten().collect();
    match block {
        PaperBlock::Title(text) => tree.push(group(Tag::Hn(NonZeroU16::MIN, Some(text.clone())), joined(texts))),
        PaperBlock::Heading(text) => {
            let level = NonZeroU16::MIN.saturating_add(1);
            tree.push(group(Tag::Hn(level, Some(text.clone())), joined(texts)));
        }
        PaperBlock::Text(_) | PaperBlock::Note(_) => tree.push(group(Tag::P, joined(texts))),
        PaperBlock::Facts(_) => tree.push(list_of(ListNumbering::None, texts)),
        PaperBlock::Items(_) => tree.push(list_of(ListNumbering::Disc, texts)),
        PaperBlock::Link { alternative, .. } => {
            let area = place.and_then(|code| {
                let rect = Rect::from_xywh(code.left, code.top, code.side, code.side)?;
                Some(BBox::new(code.page, rect))
            });
            let figure = Tag::Figure(Some(alternative.clone())).with_bbox(area);
            tree.push(group(figure, code.into_iter().collect()));
            let mut link = group(Tag::Link, links);
            for line in texts.into_iter().flatten() {
                link.push(line);
            }
            let mut caption = TagGroup::new(Tag::Caption);
            caption.push(link);
            tree.push(caption);
        }
    }
}

/// Writes a paper that was laid out.
fn write(paper: &Paper, letters: &Letters, placed: &PlacedPaper) -> Result<Vec<u8>, PaperError> {
    let configuration = Configuration::new_with_validator(Validator::UA1);
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let blank =
        |block: &PlacedBlock| DrawnBlock { texts: block.texts.iter().map(|_| Vec::new()).collect(), ..DrawnBlock::default() };
    let mut drawn: Vec<DrawnBlock> = placed.blocks.iter().map(blank).collect();
    for n in 0..placed.pages {
        let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).ok_or_else(|| refused(&"size of a page"))?;
        let mut page = document.start_page_with(settings);
        draw_page(&mut page, paper, letters, placed, n, &mut drawn);
        page.finish();
    }
    let mut tree = TagTree::new();
    let mut outline = Outline::new();
    for ((block, place), drawn) in paper.blocks.iter().zip(&placed.blocks).zip(drawn) {
        if let (PaperBlock::Title(text) | PaperBlock::Heading(text), Some(line)) = (block, place.texts.iter().flatten().next()) {
            let top = Point::from_xy(line.left, line.baseline - line.size);
            outline.push_child(OutlineNode::new(text.clone(), XyzDestination::new(line.page, top)));
        }
        tag_block(&mut tree, block, place.code.as_ref(), drawn);
    }
    document.set_outline(outline);
    document.set_tag_tree(tree);
    document.set_metadata(Metadata::new().title(paper.title.clone()).language("fr-FR".to_owned()));
    document.finish().map_err(|cause| refused(&cause))
}

impl Paper {
    /// The paper as PDF/UA-1, with French as its language. Cost: a few milliseconds, most of them to reduce the fonts.
    ///
    /// A letter that the fonts lack is written as U+FFFD.
    ///
    /// # Errors
    /// [`PaperError`]: too many pages, an address too long for a QR code, or a defect of the program.
    pub fn to_pdf(&self) -> Result<Vec<u8>, PaperError> {
        let letters = Letters::embedded()?;
        write(self, &letters, &place(self, &letters)?)
    }
}
