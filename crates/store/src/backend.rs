//! For backends: what both do alike.
