//! Signed tokens, keys and their rotation, proofs of possession.
