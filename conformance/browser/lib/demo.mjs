// A demonstration of its own for each file of tests: free ports, a temporary directory, deleted at the end.

import { spawn, execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { WAIT_MS } from './browser.mjs';

const run = promisify(execFile);
const READY_MS = 4 * WAIT_MS;
/** What a demonstration tells of a database that answers late: that is a fact about the machine. */
const LATE = / WARN sqlx::(query: slow statement|pool::acquire: acquired connection, but)/;

/** The program under test, as `cargo xtask browser` names it. */
export function program() {
  const named = process.env.ANNUAIRE_PROGRAM;
  if (!named) {
    throw new Error('ANNUAIRE_PROGRAM names no program: run these tests by cargo xtask browser');
  }
  return named;
}

/** A port that is free now; nothing else on a test machine takes it in between. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A directory that other users can pass through, as a web server of its own user must. */
export async function temporaryDirectory() {
  return mkdtemp(join(tmpdir(), 'annuaire-browser-'));
}

/** Runs a command of the program and returns what it prints; fails with what it says. */
export async function command(...words) {
  try {
    return (await run(program(), words)).stdout;
  } catch (error) {
    throw new Error(`annuaire ${words[0]} ${words.at(-1)}: ${error.stderr || error.message}`);
  }
}

let databases = 0;

/** Makes an empty database on a PostgreSQL server, and returns its URL. It goes with the server, which is a throw-away one. */
export async function newDatabase(server) {
  databases += 1;
  const name = `demo_${process.pid}_${databases}`;
  await run(process.env.ANNUAIRE_PSQL ?? 'psql', [server, '--quiet', '--command', `CREATE DATABASE ${name}`]);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

class Demo {
  /** Directory of everything that belongs to it. */
  dir;
  /** Scheme, host and port of all pages. The name `localhost` can have passkeys, an address cannot. */
  base;
  /** Port of the hosts of cards and certificates. */
  tlsPort;
  #child;
  #said = '';
  #ended;
  #words;
  #scratch;
  #database;

  /** Issuer of the identity provider. */
  get issuer() {
    return `${this.base}/auth/realms/esante-wallet`;
  }

  /** Address of the page that asks for a card. */
  get cardHost() {
    return `https://carte.localhost:${this.tlsPort}`;
  }

  static async start({ identity, agents = [], credential, postgres = process.env.ANNUAIRE_TEST_POSTGRES, stays = false } = {}) {
    const demo = new Demo();
    demo.dir = await temporaryDirectory();
    const port = await freePort();
    demo.base = `http://localhost:${port}`;
    demo.tlsPort = await freePort();
    const words = ['demo', '--professionals', '60', '--quiet', '--listen', `127.0.0.1:${port}`, '--public-base', demo.base];
    if (identity) {
      const file = join(demo.dir, 'demo.toml');
      const settings = await identity({ dir: demo.dir, tlsPort: demo.tlsPort, cardHost: demo.cardHost });
      await writeFile(file, `[identity]\n${Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join('')}`);
      words.push('--config', file);
    } else {
      words.push('--tls-listen', `127.0.0.1:${demo.tlsPort}`);
      const file = join(demo.dir, 'demo.toml');
      const settings = [];
      if (agents.length > 0) {
        settings.push('[registration]', `authority_agents = ${JSON.stringify(agents)}`);
      }
      if (credential) {
        await writeFile(join(demo.dir, 'credentials'), `${credential}\n`, { mode: 0o600 });
        settings.push('[access]', `restricted_credentials = ${JSON.stringify(join(demo.dir, 'credentials'))}`);
      }
      await writeFile(file, `${settings.join('\n')}\n`);
      words.push('--config', file);
    }
    if (postgres) {
      demo.#database = join(demo.dir, 'database-url');
      await writeFile(demo.#database, await newDatabase(postgres), { mode: 0o600 });
      words.push('--database', demo.#database);
    }
    if (stays) {
      demo.root = join(demo.dir, 'stays');
      words.push('--data', demo.root);
    }
    demo.#words = words;
    demo.#scratch = join(demo.dir, 'scratch');
    await mkdir(demo.#scratch);
    try {
      await demo.#spawn();
      // The program makes one directory there.
      demo.root ??= join(demo.#scratch, (await readdir(demo.#scratch))[0]);
      return demo;
    } catch (error) {
      await demo.stop().catch(() => {});
      throw error;
    }
  }

  #spawn() {
    this.#child = spawn(program(), this.#words, { env: { ...process.env, TMPDIR: this.#scratch }, stdio: ['ignore', 'pipe', 'pipe'] });
    return this.#ready();
  }

  /** Kills the program, as a power cut does. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Starts the program again where it was killed. Only a demonstration that stays (`stays`) is then the one that it was. */
  async startAgain() {
    await this.#spawn();
  }

  #ready() {
    let stdout = '';
    this.#ended = new Promise((resolve) => { this.#child.once('exit', resolve); });
    this.#child.stderr.on('data', (bytes) => { this.#said += bytes; });
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the demonstration is not ready:\n${stdout}${this.#said}`)), READY_MS);
      this.#child.once('error', reject);
      this.#ended.then(() => reject(new Error(`the demonstration ended:\n${stdout}${this.#said}`)));
      this.#child.stdout.on('data', (bytes) => {
        stdout += bytes;
        // The line after the last thing that it introduces. Nobody is served before.
        if (/^ {2}try {2}http.*\n/m.test(stdout)) {
          clearTimeout(late);
          resolve();
        }
      });
    });
  }

  /** Runs a command of an installation on its data, beside it, and returns what is printed. `words` are what it takes beside the place. */
  async #beside(name, words) {
    const file = join(this.dir, 'admin.toml');
    const settings = [
      '[identity]', `issuer = "${this.base}"`,
      // An installation needs them; nothing is sent here.
      'mail_server = "smtp://127.0.0.1:25"', 'mail_from = "annuaire@annuaire.example"', 'sms_gateway = "https://sms.example/send"',
    ];
    await writeFile(file, `${settings.join('\n')}\n`);
    const database = this.#database ? ['--database', this.#database] : [];
    return command(name, '--data', join(this.root, 'data'), ...database, '--config', file, ...words);
  }

  /** Runs `annuaire admin` on its data, beside it, and returns what is printed. */
  admin(...words) {
    return this.#beside('admin', words);
  }

  /** Runs `annuaire import` of these files, beside it. */
  import(...files) {
    return this.#beside('import', files);
  }

  /** Runs `annuaire export` with these words, beside it. */
  export(...words) {
    return this.#beside('export', words);
  }

  /** The delivery of structures from which it was made. */
  async structures() {
    const files = join(this.root, 'files');
    const name = (await readdir(files)).find((file) => file.startsWith('finess-structures-'));
    return JSON.parse(gunzipSync(await readFile(join(files, name))));
  }

  /** Imports a delivery of structures of a day (`YYYYMMDD`), beside it. */
  async deliverStructures(day, structures) {
    const file = join(this.dir, `finess-structures-journalier-${day}.json`);
    const generatedAt = `${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T02:06:22.123456789Z`;
    await writeFile(file, JSON.stringify({ ...structures, generatedAt }));
    return this.import(file);
  }

  /** Registers a client and returns its record with its secret, when it has one. */
  async putClient(record) {
    const whole = {
      client_name: record.client_id, mode: 'compat', token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'RS256', require_pkce: true, ...record,
    };
    const file = join(this.dir, `${record.client_id}.json`);
    await writeFile(file, JSON.stringify(whole));
    const printed = await this.admin('put-client', file);
    return { ...whole, secret: printed.match(/: secret (\S+)/)?.[1] };
  }

  /** Ends it, deletes its directory, and fails when it told the operator something else than what these patterns expect. */
  async stop(expected = []) {
    this.#child.kill('SIGTERM');
    const killed = setTimeout(() => this.#child.kill('SIGKILL'), WAIT_MS);
    await this.#ended;
    clearTimeout(killed);
    await rm(this.dir, { recursive: true, force: true });
    const told = this.#said.split('\n').filter((line) => line !== '' && ![LATE, ...expected].some((pattern) => pattern.test(line)));
    if (told.length > 0) {
      throw new Error(`the demonstration told its operator:\n${told.join('\n')}`);
    }
  }
}

/**
 * Starts a demonstration. `identity`, when given, is an asynchronous function from `{ dir, tlsPort, cardHost }` to settings of `[identity]`, which take the
 * place of the cards that a demonstration makes for itself. `agents`, without `identity`, are agents of authorities (`authority_agents`), and
 * `credential` opens the restricted perimeter.
 * `postgres` is the URL of a server on which a database of its own is made for the
 * registry (that of ANNUAIRE_TEST_POSTGRES, when the stage has one); `stays` keeps the demonstration through its end, to start it again.
 */
export const startDemo = (options) => Demo.start(options);
