// A relying party: a small server inside the test, and openid-client (npm) with its ordinary settings.

import { createServer } from 'node:http';
import * as client from 'openid-client';
import { until } from './browser.mjs';

let number = 0;

const page = (title) => `<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"></head><body><main><h1>${title}</h1></main></body></html>`;

export class Application {
  #server;
  #answers = [];
  #asked = [];
  /** Logout tokens that were received. */
  logoutTokens = [];
  /** Answers of the provider to a logout: the addresses to which it sent the browser. */
  goodbyes = [];

  /** Registers a client at the demonstration, and starts its server. `record` says what differs from an ordinary one. */
  static async start(demo, { proof, metadata, ...record }) {
    const application = new Application();
    await application.#listen();
    const { base } = application;
    number += 1;
    application.record = await demo.putClient({
      client_id: `essai-${number}`, client_name: `Application ${number}`, redirect_uris: [`${base}/retour`],
      post_logout_redirect_uris: [`${base}/au-revoir`], backchannel_logout_uri: `${base}/deconnexion`, ...record,
    });
    const known = { id_token_signed_response_alg: application.record.id_token_signed_response_alg, ...metadata };
    application.config = await client.discovery(
      new URL(demo.issuer), application.record.client_id, known, proof ?? client.ClientSecretBasic(application.record.secret),
      { execute: [client.allowInsecureRequests] },
    );
    return application;
  }

  async #listen() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    this.base = `http://localhost:${this.#server.address().port}`;
  }

  async #answer(request, response) {
    const address = new URL(request.url, this.base);
    let body = '';
    for await (const bytes of request) {
      body += bytes;
    }
    const ok = (title) => response.writeHead(200, { 'content-type': 'text/html;charset=UTF-8' }).end(page(title));
    if (address.pathname === '/retour') {
      // An answer may come as a form (`response_mode=form_post`).
      address.search = request.method === 'POST' ? body : address.search;
      this.#answers.push(address);
      ok('Application');
    } else if (address.pathname === '/au-revoir') {
      this.goodbyes.push(address);
      ok('Au revoir');
    } else if (address.pathname === '/deconnexion' && request.method === 'POST') {
      this.logoutTokens.push(new URLSearchParams(body).get('logout_token'));
      response.writeHead(200).end();
    } else {
      response.writeHead(404).end();
    }
  }

  /** The address where a login begins. It is kept, so that its answer can be checked. */
  async loginAddress(parameters = {}) {
    const asked = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
    this.#asked.push(asked);
    return client.buildAuthorizationUrl(this.config, await this.request(asked, parameters));
  }

  /** The parameters of a login. */
  async request({ verifier, state, nonce }, parameters = {}) {
    return {
      redirect_uri: this.record.redirect_uris[0], scope: 'openid scope_all', acr_values: 'eidas1', state, nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
    };
  }

  /** Sends a visitor to log in. */
  async begin(visitor, parameters = {}) {
    await visitor.page.goto((await this.loginAddress(parameters)).href);
  }

  /** Where the browser returned, for the login that began first. */
  async answer() {
    return until('the answer to the application', () => this.#answers.shift());
  }

  /** The tokens for the login that began first, checked by the library. */
  async tokens(options) {
    const { verifier, state, nonce } = this.#asked.shift();
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return client.authorizationCodeGrant(this.config, await this.answer(), checks, undefined, options);
  }

  /** The refusal that the library reads from the answer. */
  async refusal() {
    return this.tokens().then(() => { throw new Error('somebody was logged in'); }, (error) => error);
  }

  /** What UserInfo tells. */
  userInfo(tokens, options) {
    return client.fetchUserInfo(this.config, tokens.access_token, tokens.claims().sub, options);
  }

  /** Whether a token is active. */
  async isActive(token) {
    return (await client.tokenIntrospection(this.config, token)).active;
  }

  /** The address where a logout begins. */
  logoutAddress(tokens, parameters = {}) {
    return client.buildEndSessionUrl(this.config, {
      ...(tokens ? { id_token_hint: tokens.id_token } : {}), post_logout_redirect_uri: this.record.post_logout_redirect_uris[0], ...parameters,
    }).href;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
