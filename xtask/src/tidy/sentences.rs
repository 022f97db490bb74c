//! Comments are understood without the one before them: no sentence begins with "The same".

use super::finding::Finding;
use super::source::SourceFile;

/// Names every comment with such a sentence.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        for comment in &file.comments {
            let text = file.text[comment.clone()].trim_start_matches(['/', '!', '*']).trim_start();
            let begins = text.starts_with("The same ") || [". The same ", ": The same "].iter().any(|s| text.contains(s));
            if begins {
                found.push(Finding {
                    check: "sentences",
                    place: format!("{}:{}", file.path, file.line(comment.start)),
                    message: format!("say it in full instead of \"The same\": {text}"),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, check};

    #[test]
    fn sentences_stand_alone() {
        let text = format!(
            "//! Why. {0} of it.\n/// {0} for one.\nconst A: &str = \"// {0} x\"; // at {1} time\n",
            "The same", "the same"
        );
        let found = check(&[SourceFile::new("crates/x/src/lib.rs", text)]);
        let places: Vec<&str> = found.iter().map(|f| f.place.as_str()).collect();
        assert_eq!(places, ["crates/x/src/lib.rs:1", "crates/x/src/lib.rs:2"]);
    }
}
