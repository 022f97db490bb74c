#![doc = include_str!("layout.md")]

#[cfg(test)]
mod tests;
