// openid-client (npm), a certified relying party, with its ordinary settings.

import assert from 'node:assert/strict';
import { exportJWK } from 'jose';
import * as client from 'openid-client';
import { stage } from '../lib/stage.mjs';
import { answer, CAMILLE, logIn, LOUISE } from '../lib/people.mjs';

const journey = stage();
const CIBA = 'urn:openid:params:grant-type:ciba';

/** A key of an application: what it keeps, and what it registers. */
async function ownKey() {
  const pair = await client.randomDPoPKeyPair('ES256', { extractable: true });
  const jwk = { ...await exportJWK(pair.publicKey), kid: 'essai', use: 'sig', alg: 'ES256' };
  return { proof: client.PrivateKeyJwt({ key: pair.privateKey, kid: 'essai' }), jwks: { keys: [jwk] } };
}

journey('code and PKCE with a secret; refresh, introspection, revocation, logout', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  await logIn(computer, phone, CAMILLE);
  const tokens = await party.tokens();
  const told = await party.userInfo(tokens);
  assert.equal(told.SubjectNameID, CAMILLE.id);

  const renewed = await client.refreshTokenGrant(party.config, tokens.refresh_token);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.equal(renewed.claims().sub, tokens.claims().sub);
  const seen = await client.tokenIntrospection(party.config, renewed.access_token);
  assert.deepEqual([seen.active, seen.client_id, seen.sub], [true, party.record.client_id, told.sub]);
  await client.tokenRevocation(party.config, renewed.refresh_token);
  await assert.rejects(client.refreshTokenGrant(party.config, renewed.refresh_token), { error: 'invalid_grant' });

  await computer.page.goto(party.logoutAddress(tokens, { state: 'fin' }));
  await computer.at('Au revoir');
  assert.equal(await party.isActive(tokens.access_token), false);
});

journey('UserInfo that is signed, and tokens by ES256', async ({ visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const party = await application({
    id_token_signed_response_alg: 'ES256', userinfo_signed_response_alg: 'ES256', metadata: { userinfo_signed_response_alg: 'ES256' },
  });
  await party.begin(computer);
  await logIn(computer, phone, CAMILLE);
  assert.equal((await party.userInfo(await party.tokens())).SubjectNameID, CAMILLE.id);
});

journey('a key in place of a secret (private_key_jwt)', async ({ visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const party = await application({ token_endpoint_auth_method: 'private_key_jwt', ...await ownKey() });
  await party.begin(computer);
  await logIn(computer, phone, LOUISE);
  const tokens = await party.tokens();
  assert.equal(tokens.claims().SubjectNameID, LOUISE.id);
  assert.equal(await party.isActive(tokens.access_token), true);
});

journey('strict: pushed request, DPoP, and a token that is of no use to a thief', async ({ visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const party = await application({
    mode: 'strict', token_endpoint_auth_method: 'private_key_jwt', id_token_signed_response_alg: 'ES256', ...await ownKey(),
  });
  const asked = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
  const DPoP = client.getDPoPHandle(party.config, await client.randomDPoPKeyPair('ES256'));
  const address = await client.buildAuthorizationUrlWithPAR(party.config, await party.request(asked), { DPoP });
  assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  await computer.page.goto(address.href);
  await logIn(computer, phone, CAMILLE);
  const checks = { pkceCodeVerifier: asked.verifier, expectedState: asked.state, expectedNonce: asked.nonce };
  const tokens = await client.authorizationCodeGrant(party.config, await party.answer(), checks, undefined, { DPoP });
  assert.equal(tokens.token_type, 'dpop');
  assert.equal((await party.userInfo(tokens, { DPoP })).SubjectNameID, CAMILLE.id);
  const thief = client.getDPoPHandle(party.config, await client.randomDPoPKeyPair('ES256'));
  await assert.rejects(party.userInfo(tokens, { DPoP: thief }));
  await assert.rejects(party.userInfo(tokens));
  const renewed = await client.refreshTokenGrant(party.config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(renewed.token_type, 'dpop');
});

journey('CIBA: the application asks the phone, and polls', async ({ visitor, application }) => {
  const phone = await visitor();
  const party = await application({ grant_types: ['authorization_code', 'refresh_token', CIBA] });
  const ask = (person) => client.initiateBackchannelAuthentication(party.config, {
    login_hint: person.id, binding_message: '42', scope: 'openid scope_all', acr_values: 'eidas1',
  });
  const asked = await ask(CAMILLE);
  const tokens = client.pollBackchannelAuthenticationGrant(party.config, asked);
  await answer(phone, CAMILLE, '42');
  assert.equal((await tokens).claims().SubjectNameID, CAMILLE.id);
  assert.equal((await party.userInfo(await tokens)).authMode, 'MOBILE');
  // Who refuses is heard too.
  const refused = client.pollBackchannelAuthenticationGrant(party.config, await ask(LOUISE));
  await answer(phone, LOUISE, 'Refuser');
  await assert.rejects(refused, { error: 'access_denied' });
});

journey('an application for browsers: no secret, strict', async ({ visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const party = await application({
    mode: 'strict', token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256', proof: client.None(),
  });
  const asked = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
  const DPoP = client.getDPoPHandle(party.config, await client.randomDPoPKeyPair('ES256'));
  const address = await client.buildAuthorizationUrlWithPAR(party.config, await party.request(asked), { DPoP });
  await computer.page.goto(address.href);
  await logIn(computer, phone, CAMILLE);
  const checks = { pkceCodeVerifier: asked.verifier, expectedState: asked.state, expectedNonce: asked.nonce };
  const tokens = await client.authorizationCodeGrant(party.config, await party.answer(), checks, undefined, { DPoP });
  assert.equal(tokens.claims().SubjectNameID, CAMILLE.id);
});
