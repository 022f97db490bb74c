"""A relying party made with authlib (PyPI), as its documentation shows one. It is driven by lines of JSON.

It reads its registration, writes the address where a login begins, reads the address to which the browser returned, and writes what the
provider told of the person.
"""

import json
import secrets
import sys

from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet


def tell(**members):
    print(json.dumps(members), flush=True)


def read():
    return json.loads(sys.stdin.readline())


def main():
    registered = read()
    session = OAuth2Session(
        registered["client_id"],
        registered["secret"],
        scope="openid scope_all",
        redirect_uri=registered["redirect_uri"],
        code_challenge_method="S256",
        token_endpoint_auth_method=registered["token_endpoint_auth_method"],
    )
    metadata = session.get(registered["metadata"], withhold_token=True).json()
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    address, state = session.create_authorization_url(
        metadata["authorization_endpoint"], nonce=nonce, code_verifier=verifier, acr_values="eidas1"
    )
    tell(address=address)

    returned = read()["returned"]
    token = session.fetch_token(metadata["token_endpoint"], authorization_response=returned, state=state, code_verifier=verifier)
    keys = KeySet.import_key_set(session.get(metadata["jwks_uri"], withhold_token=True).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"value": metadata["issuer"]}, "aud": {"value": registered["client_id"]}},
        {"nonce": nonce, "client_id": registered["client_id"], "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    userinfo = session.get(metadata["userinfo_endpoint"]).json()
    assert userinfo["sub"] == claims["sub"], "UserInfo is of another person"

    before = token["refresh_token"]
    renewed = session.refresh_token(metadata["token_endpoint"], refresh_token=before)
    assert renewed["refresh_token"] != before, "the refresh token was not replaced"
    seen = session.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"]).json()
    tell(id_token=dict(claims), userinfo=userinfo, introspection=seen)


if __name__ == "__main__":
    main()
