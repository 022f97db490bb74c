//! Cards and certificates: what they say, whether they stand, and a test authority.
