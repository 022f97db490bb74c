// authlib (PyPI) as a relying party: the program beside this file, in a Python of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stage } from '../lib/stage.mjs';
import { CAMILLE, logIn } from '../lib/people.mjs';

const journey = stage();
const PROGRAM = fileURLToPath(new URL('python_application.py', import.meta.url));

/** The program, to which one object is told and which answers with one. */
class PythonApplication {
  constructor() {
    const env = { ...process.env, AUTHLIB_INSECURE_TRANSPORT: '1' };
    this.child = spawn(process.env.ANNUAIRE_PYTHON ?? 'python3', [PROGRAM], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async ask(object) {
    this.child.stdin.write(`${JSON.stringify(object)}\n`);
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'the program of authlib ended without an answer: see what it wrote');
    return JSON.parse(value);
  }

  async end() {
    this.child.stdin.end();
    const [code] = this.child.exitCode === null ? await once(this.child, 'exit') : [this.child.exitCode];
    assert.equal(code, 0);
  }
}

for (const method of ['client_secret_basic', 'client_secret_post']) {
  journey(`code flow, UserInfo, refresh and introspection with ${method}`, async ({ demo, visitor, application }) => {
    const [computer, phone] = [await visitor(), await visitor()];
    // Its server receives the browser; the protocol is spoken by the program.
    const party = await application({ token_endpoint_auth_method: method });
    const python = new PythonApplication();
    const { address } = await python.ask({
      client_id: party.record.client_id, secret: party.record.secret, redirect_uri: party.record.redirect_uris[0],
      token_endpoint_auth_method: method, metadata: `${demo.issuer}/.well-known/openid-configuration`,
    });
    await computer.page.goto(address);
    await logIn(computer, phone, CAMILLE);
    const told = await python.ask({ returned: (await party.answer()).href });
    assert.deepEqual([told.id_token.SubjectNameID, told.userinfo.SubjectNameID], [CAMILLE.id, CAMILLE.id]);
    assert.equal(told.userinfo.SubjectRefPro.exercices[0].nomDexercice, 'EXEMPLE');
    assert.equal(told.introspection.active, true);
    await python.end();
  });
}
