//! The OpenID provider: clients, sessions, grants, tokens, claims.
