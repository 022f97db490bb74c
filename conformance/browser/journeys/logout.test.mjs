// The end of a session reaches whoever relied on it.

import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { until } from '../lib/browser.mjs';
import { stage } from '../lib/stage.mjs';
import { CAMILLE, logIn, LOUISE } from '../lib/people.mjs';

const journey = stage();
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** The logout token that an application gets, checked as OpenID Connect Back-Channel Logout asks (§2.6). */
async function logoutToken(demo, party) {
  const token = await until('a logout token', () => party.logoutTokens.shift());
  const keys = createRemoteJWKSet(new URL(`${demo.issuer}/protocol/openid-connect/certs`));
  const checks = { issuer: demo.issuer, audience: party.record.client_id, typ: 'logout+jwt' };
  const { payload } = await jwtVerify(token, keys, checks);
  assert.deepEqual(payload.events, { [EVENT]: {} });
  assert.equal(payload.nonce, undefined);
  return payload;
}

journey('the operator ends the sessions of a person: applications are told, tokens are inactive', async ({ demo, visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const [first, second] = [await application(), await application()];
  await first.begin(computer);
  await logIn(computer, phone, CAMILLE);
  const tokens = await first.tokens();
  await second.begin(computer);
  const others = await second.tokens();
  assert.deepEqual([await first.isActive(tokens.access_token), await second.isActive(others.access_token)], [true, true]);

  assert.match(await demo.admin('end-sessions', CAMILLE.id), /^1 sessions ended/);
  for (const [party, given] of [[first, tokens], [second, others]]) {
    assert.equal((await logoutToken(demo, party)).sid, given.claims().sid);
    assert.equal(await party.isActive(given.access_token), false);
    await assert.rejects(party.userInfo(given));
  }
  await first.begin(computer);
  await computer.at('Connexion');
});

journey('a logout at one application is told to the other', async ({ demo, visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const [first, second] = [await application(), await application()];
  await first.begin(computer);
  await logIn(computer, phone, LOUISE);
  const tokens = await first.tokens();
  await second.begin(computer);
  const others = await second.tokens();
  await computer.page.goto(first.logoutAddress(tokens));
  await computer.at('Au revoir');
  assert.equal((await logoutToken(demo, second)).sid, others.claims().sid);
  assert.equal(await second.isActive(others.access_token), false);
});

journey('a revoked phone takes its sessions with it', async ({ demo, visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  await logIn(computer, phone, LOUISE);
  const tokens = await party.tokens();
  assert.match(await demo.admin('revoke-phones', LOUISE.id), /^1 phones revoked/);
  assert.equal((await logoutToken(demo, party)).sub, tokens.claims().sub);
  assert.equal(await party.isActive(tokens.access_token), false);
});
