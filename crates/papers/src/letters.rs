//! The two embedded fonts: which glyph draws a letter, and how wide it is.

use crate::paper::PaperError;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

const REGULAR: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans-Bold.ttf");

/// What stands for a letter that the fonts lack.
const REPLACEMENT: char = '\u{fffd}';

/// A font of the program.
struct Face {
    font: Font,
    shapes: FontRef<'static>,
    units: f32,
}

/// Both fonts.
pub(crate) struct Letters {
    regular: Face,
    bold: Face,
}

impl Face {
    fn new(name: &'static str, bytes: &'static [u8]) -> Result<Self, PaperError> {
        let font = Font::new(bytes.into(), 0).ok_or(PaperError::Font(name))?;
        let shapes = FontRef::new(bytes).map_err(|_| PaperError::Font(name))?;
        let units = font.units_per_em();
        Ok(Self { font, shapes, units })
    }

    /// Glyph of a letter and its width in ems.
    fn glyph(&self, letter: char) -> (GlyphId, f32) {
        let map = self.shapes.charmap();
        let id = map.map(letter).or_else(|| map.map(REPLACEMENT)).unwrap_or_default();
        let width = self.shapes.glyph_metrics(Size::unscaled(), LocationRef::default()).advance_width(id);
        (GlyphId::new(id.to_u32()), width.unwrap_or_default() / self.units)
    }
}

impl Letters {
    /// The fonts of the program.
    pub(crate) fn embedded() -> Result<Self, PaperError> {
        Ok(Self { regular: Face::new("DejaVuSans", REGULAR)?, bold: Face::new("DejaVuSans-Bold", BOLD)? })
    }

    fn face(&self, is_bold: bool) -> &Face {
        if is_bold { &self.bold } else { &self.regular }
    }

    /// The font, for the writer.
    pub(crate) fn font(&self, is_bold: bool) -> Font {
        self.face(is_bold).font.clone()
    }

    /// The text with what can be drawn of it: control characters become blanks, unknown letters U+FFFD.
    pub(crate) fn drawable(&self, text: &str) -> String {
        let map = self.regular.shapes.charmap();
        let drawn = |letter: char| match letter {
            letter if letter.is_control() => ' ',
            letter if map.map(letter).is_none() => REPLACEMENT,
            letter => letter,
        };
        text.chars().map(drawn).collect()
    }

    /// Width of a text.
    pub(crate) fn width(&self, text: &str, is_bold: bool, size: f32) -> f32 {
        text.chars().map(|letter| self.face(is_bold).glyph(letter).1).sum::<f32>() * size
    }

    /// Glyphs of a text, for the writer.
    pub(crate) fn glyphs(&self, text: &str, is_bold: bool) -> Vec<KrillaGlyph> {
        let face = self.face(is_bold);
        text.char_indices()
            .map(|(at, letter)| {
                let (id, width) = face.glyph(letter);
                KrillaGlyph::new(id, width, 0.0, 0.0, 0.0, at..at + letter.len_utf8(), None)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_is_drawable_and_the_rest_is_marked() {
        let letters = Letters::embedded().unwrap();
        let french = "ÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ àâæçéèêëîïôœùûüÿ « ’ » – — … € \u{a0}\u{202f}•";
        assert_eq!(letters.drawable(french), french);
        assert_eq!(letters.drawable("a\tb漢"), "a b\u{fffd}");
        let (regular, bold) = (letters.width("Numéro", false, 10.0), letters.width("Numéro", true, 10.0));
        assert!(30.0 < regular && regular < bold && bold < 60.0, "{regular} {bold}");
    }
}
