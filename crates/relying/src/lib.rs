//! Logins at other providers: FranceConnect, and a stand-in for it; the national identity provider as upstream.
