// mod_auth_openidc (Debian) as a relying party: Apache in front of an application that reads headers.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { until } from '../lib/browser.mjs';
import { freePort } from '../lib/demo.mjs';
import { stage } from '../lib/stage.mjs';
import { answer, askPhone, CAMILLE } from '../lib/people.mjs';

const journey = stage();
const APACHE = process.env.ANNUAIRE_APACHE ?? '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const LOADED = [
  ['mpm_event'], ['authn_core'], ['authz_core'], ['authz_user'], ['proxy'], ['proxy_http'], ['auth_openidc'],
];

/** The application behind Apache: it knows who asks by the headers alone. */
async function startBackend() {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    const type = { 'content-type': 'text/html;charset=UTF-8' };
    const title = request.url === '/dehors' ? 'Dehors' : 'Dossier';
    response.writeHead(200, type).end(`<!DOCTYPE html><html lang="fr"><title>${title}</title><link rel="icon" href="data:,"><main><h1>${title}</h1></main>`);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { server, seen, port: server.address().port };
}

/** Apache with the configuration of docs/identity.md. */
async function startApache(demo, { port, record, backend }) {
  const dir = join(demo.dir, 'apache');
  await mkdir(dir);
  // Its own user reads nothing there, and passes through.
  await chmod(demo.dir, 0o711);
  const lines = [
    `ServerRoot "${dir}"`, `PidFile "${dir}/pid"`, `ErrorLog "${dir}/errors"`, `DefaultRuntimeDir "${dir}"`, 'ServerName localhost', `Listen 127.0.0.1:${port}`,
    ...LOADED.map(([name]) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    ...(process.getuid() === 0 ? ['User www-data', 'Group www-data'] : []),
    `OIDCProviderMetadataURL ${demo.issuer}/.well-known/wallet-openid-configuration`,
    `OIDCClientID ${record.client_id}`, `OIDCClientSecret "${record.secret}"`, `OIDCRedirectURI ${record.redirect_uris[0]}`,
    'OIDCScope "openid scope_all"', 'OIDCAuthRequestParams acr_values=eidas1', 'OIDCPKCEMethod S256',
    'OIDCRemoteUserClaim SubjectNameID', 'OIDCCryptoPassphrase "only for this test"',
    `ProxyPass /oidc !`, `ProxyPass / http://127.0.0.1:${backend.port}/`,
    '<Location />', 'AuthType openid-connect', 'Require valid-user', '</Location>',
    '<Location /dehors>', 'AuthType None', 'Require all granted', '</Location>',
  ];
  const file = join(dir, 'apache.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn(APACHE, ['-f', file, '-DFOREGROUND'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => { said += bytes; });
  const log = async () => `${said}${await readFile(join(dir, 'errors'), 'utf8').catch(() => '')}`;
  try {
    await until('Apache', async () => {
      assert.equal(child.exitCode, null, 'Apache ended');
      return fetch(`http://localhost:${port}/dehors`).then(() => true, () => false);
    });
  } catch (error) {
    child.kill('SIGTERM');
    error.message += `\n${await log()}`;
    throw error;
  }
  return {
    log,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

journey('a login through Apache: claims arrive as headers, and logouts from both sides', async ({ demo, visitor }) => {
  const [computer, phone, backend, port] = [await visitor(), await visitor(), await startBackend(), await freePort()];
  const site = `http://localhost:${port}`;
  const record = await demo.putClient({
    client_id: 'apache', client_name: 'Dossier derrière Apache', redirect_uris: [`${site}/oidc/callback`],
    post_logout_redirect_uris: [`${site}/dehors`], backchannel_logout_uri: `${site}/oidc/callback?logout=backchannel`,
  });
  const apache = await startApache(demo, { port, record, backend });
  try {
    await computer.page.goto(`${site}/dossier`);
    await answer(phone, CAMILLE, await askPhone(computer, CAMILLE));
    await computer.at('Dossier');
    assert.equal(computer.page.url(), `${site}/dossier`);
    const headers = backend.seen.at(-1);
    assert.equal(headers.oidc_claim_subjectnameid, CAMILLE.id);
    assert.equal(headers.oidc_claim_family_name, 'EXEMPLE');
    assert.equal(headers.oidc_claim_authmode, 'MOBILE');
    assert.match(headers.oidc_claim_subjectrefpro, /"codeProfession"/);
    assert.ok(headers.oidc_access_token);

    // The application logs out: the provider asks again.
    await computer.page.goto(`${site}/oidc/callback?logout=${encodeURIComponent(`${site}/dehors`)}`);
    await computer.at('Dehors');
    await computer.page.goto(`${site}/dossier`);
    await answer(phone, CAMILLE, await askPhone(computer, CAMILLE));
    await computer.at('Dossier');

    // The operator ends the session: Apache hears of it, and asks again.
    await demo.admin('end-sessions', CAMILLE.id);
    await until('the end of the session at Apache', async () => {
      await computer.page.goto(`${site}/dossier`);
      return computer.page.getByRole('heading', { level: 1, name: 'Connexion', exact: true }).isVisible();
    });
  } catch (error) {
    error.message += `\nApache wrote:\n${await apache.log()}`;
    throw error;
  } finally {
    await apache.stop();
    backend.server.close();
  }
});
