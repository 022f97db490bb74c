'use strict';
// The application of a phone. Its key is made here, cannot be exported, and stays in the database of this browser.

const API = '../api/';
const VERSION = '1.1';
const element = (id) => document.getElementById(id);
const encoder = new TextEncoder();

// --- The database of this browser: one phone, or one activation that is not finished.

function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('ecps', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('phone');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function transact(mode, work) {
  const db = await database();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction('phone', mode);
      const request = work(transaction.objectStore('phone'));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    db.close();
  }
}

const load = () => transact('readonly', (store) => store.get('one'));
const keep = (phone) => transact('readwrite', (store) => store.put(phone, 'one'));
const forget = () => transact('readwrite', (store) => store.delete('one'));

// --- Signed calls.

let clockOffset = 0;
const now = () => Math.floor((Date.now() + clockOffset) / 1000);

function base64url(bytes) {
  let text = '';
  for (const byte of new Uint8Array(bytes)) {
    text += String.fromCharCode(byte);
  }
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function sign(key, typ, claims) {
  const part = (value) => base64url(encoder.encode(JSON.stringify(value)));
  const signed = part({ alg: 'ES256', typ }) + '.' + part({ ...claims, iat: now() });
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, encoder.encode(signed));
  return signed + '.' + base64url(signature);
}

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function call(path, body) {
  let answer;
  try {
    answer = await fetch(API + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    online(false);
    throw new Refused('offline', 'Pas de réseau : réessayez quand le téléphone est connecté.');
  }
  online(true);
  const date = Date.parse(answer.headers.get('date') || '');
  if (Number.isFinite(date)) {
    clockOffset = date - Date.now();
  }
  const text = await answer.text();
  let said = {};
  try {
    said = text === '' ? {} : JSON.parse(text);
  } catch {
    said = {};
  }
  if (!answer.ok) {
    throw new Refused(said.error || 'http', said.message || `Le serveur répond ${answer.status}. Réessayez plus tard.`);
  }
  return said;
}

// --- The screen.

let phone = null;
let shownPrompt = null;
let timer = 0;
// What the server last said of passkeys: those that it takes, the host that they are for, and the one of this phone.
let methods = { pin: true, passkey: false };
let rpId = null;
let passkey = null;
// The key of the server for notifications, and whether this phone gets them.
let push = { key: null, on: false };

function online(yes) {
  element('network').textContent = yes ? '' : 'Hors ligne';
}

function say(text, good = false) {
  const said = element('said');
  said.hidden = text === '';
  said.classList.toggle('good', good);
  said.textContent = text;
}

function show(id) {
  for (const section of document.querySelectorAll('main > section')) {
    const was = !section.hidden;
    section.hidden = section.id !== id;
    if (section.id === id && !was) {
      section.querySelector('h1').focus();
    }
  }
}

async function during(form, work) {
  const buttons = form.querySelectorAll('button');
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await work();
  } catch (error) {
    say(error instanceof Refused ? error.message : 'Ce navigateur ne peut pas garder la clé du téléphone. Essayez un autre navigateur, hors navigation privée.');
    if (error instanceof Refused && ['activation_over', 'unknown_link'].includes(error.code)) {
      await restart(error.message);
    }
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

async function restart(text = '') {
  await forget();
  phone = null;
  say(text);
  show('code');
}

// --- Activation.

async function bind(code, name) {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const agent = navigator.userAgent;
  const os = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'Linux'].find((one) => agent.includes(one)) || '';
  const model = ['Firefox', 'Edg', 'Chrome', 'Safari'].find((one) => agent.includes(one)) || '';
  const bound = await call('activations/device', {
    activation_code: code,
    device_key: { kty, crv, x, y },
    device: { name, model: model === 'Edg' ? 'Edge' : model, os, app_version: VERSION },
    proof: await sign(pair.privateKey, 'ecps-bind+jwt', { activation_code: code }),
  });
  phone = { key: pair.privateKey, name, activation_id: bound.activation_id, pc_code: bound.pc_code || null, proven: false };
  await keep(phone);
  if (navigator.storage && navigator.storage.persist) {
    await navigator.storage.persist();
  }
  say('');
  proceed();
}

function proceed() {
  if (phone === null) {
    show('code');
  } else if (phone.means_id && phone.offer) {
    offer();
  } else if (phone.means_id) {
    show('idle');
    element('idle-device').textContent = phone.name;
    poll();
  } else if (phone.proven) {
    show('pin');
  } else if (phone.pc_code) {
    element('screen-code').textContent = phone.pc_code;
    show('screen');
    wait();
  } else {
    show('sms');
  }
}

async function proven() {
  phone.proven = true;
  await keep(phone);
  say('');
  proceed();
}

// Asks whether the computer was told the code that this phone shows.
async function wait() {
  if (phone === null || phone.proven || phone.means_id) {
    return;
  }
  try {
    const { activation_id: activation, key } = phone;
    const { step } = await call(`activations/${activation}/step`, { call: await sign(key, 'ecps-list+jwt', { activation_id: activation }) });
    if (step === 'proven') {
      await proven();
      return;
    }
    if (step === 'over') {
      await restart('Cette activation est terminée. Demandez-en une nouvelle.');
      return;
    }
  } catch (error) {
    say(error.message);
  }
  setTimeout(wait, 3000);
}

// --- The passkey of this phone.

// Shows the page that makes one: right after the activation it may be skipped, later it asks for the PIN.
function offer() {
  const asks = !phone.offer;
  element('passkey-pin-line').hidden = !asks;
  element('passkey-pin').required = asks;
  element('passkey-pin').value = '';
  show('passkey');
}

async function offered() {
  delete phone.offer;
  await keep(phone);
  show('idle');
  proceed();
}

async function made(options) {
  try {
    return await passkeys.create(options);
  } catch {
    throw new Refused('cancelled', 'La clé d’accès n’a pas été créée. Vous pouvez réessayer, ou continuer avec le code PIN.');
  }
}

// The first passkey of an activation, for which no PIN is asked. Its time may be over: the phone stays what it is, and the PIN is asked for.
async function addFirst(activation, key, typ) {
  const path = `activations/${activation}/passkey`;
  try {
    const options = await call(`${path}/start`, { call: await sign(key, typ, { activation_id: activation }) });
    const credential = await made(options);
    const signed = await sign(key, typ, { activation_id: activation, credential_id: credential.id });
    await call(`${path}/finish`, { call: signed, credential });
  } catch (error) {
    if (!['activation_over', 'unknown_link'].includes(error.code)) {
      throw error;
    }
    delete phone.offer;
    await keep(phone);
    offer();
    throw new Refused('offer_over', 'Tapez votre code PIN pour ajouter une clé d’accès.');
  }
}

async function addPasskey() {
  const { means_id: means, key, offer: activation } = phone;
  const pin = element('passkey-pin').value;
  element('passkey-pin').value = '';
  const typ = 'ecps-passkey+jwt';
  if (activation) {
    await addFirst(activation, key, typ);
  } else {
    const options = await call('passkey/start', { means_id: means, call: await sign(key, typ, { means_id: means, pin }) });
    const credential = await made(options);
    const signed = await sign(key, typ, { means_id: means, credential_id: credential.id });
    await call('passkey/finish', { means_id: means, call: signed, credential });
  }
  await offered();
  say('La clé d’accès est ajoutée.', true);
}

async function removePasskey() {
  const { means_id: means, key } = phone;
  await call('passkey/removal', { means_id: means, call: await sign(key, 'ecps-passkey-removal+jwt', { means_id: means }) });
  await look();
  say('La clé d’accès est retirée.', true);
}

// The assertion over what is decided. The server makes the challenge alike.
async function assertion(prompt, number) {
  const lines = ['ecps-approval', prompt.tx, prompt.challenge, number, prompt.client_id].join('\n');
  const challenge = await crypto.subtle.digest('SHA-256', encoder.encode(lines));
  try {
    return await passkeys.sign(challenge, rpId, passkey.credential_id);
  } catch {
    throw new Refused('cancelled', 'La clé d’accès n’a pas été utilisée. Réessayez, ou tapez votre code PIN.');
  }
}

function usesPasskey() {
  return passkeys.exist && methods.passkey && passkey !== null && !passkey.is_doubted;
}

function showPasskey() {
  const words = passkey === null ? 'aucune' : passkey.is_synced ? 'synchronisée entre vos appareils' : 'gardée par un seul appareil';
  element('idle-passkey').textContent = passkey !== null && passkey.is_doubted ? 'à remplacer : elle a peut-être été copiée' : words;
  element('passkey-add').hidden = !passkeys.exist || !methods.passkey || passkey !== null || phone.state !== 'active';
  element('passkey-remove').hidden = passkey === null;
}

// --- Notifications.

const pushes = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

function showPush() {
  const may = pushes && push.key !== null && phone.state === 'active';
  element('idle-push').textContent = push.on ? 'activées' : 'désactivées';
  element('push-on').hidden = !may || push.on;
  element('push-off').hidden = !push.on;
}

async function tellPush(subscription) {
  const { means_id: means, key } = phone;
  const endpoint = subscription === null ? '' : subscription.endpoint;
  await call('push', { means_id: means, call: await sign(key, 'ecps-push+jwt', { means_id: means, endpoint }), subscription });
  await look();
}

async function subscribe() {
  if (await Notification.requestPermission() !== 'granted') {
    throw new Refused('push', 'Les notifications sont bloquées pour cette application : autorisez-les dans les réglages du navigateur.');
  }
  const { pushManager } = await navigator.serviceWorker.ready;
  let made;
  try {
    made = (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: push.key })).toJSON();
  } catch {
    throw new Refused('push', 'Ce navigateur ne peut pas recevoir de notifications. Sur iPhone, ajoutez d’abord l’application à l’écran d’accueil.');
  }
  await tellPush({ endpoint: made.endpoint, keys: { p256dh: made.keys.p256dh, auth: made.keys.auth } });
  say('Les notifications sont activées.', true);
}

async function unsubscribe() {
  await tellPush(null);
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  if (subscription !== null) {
    await subscription.unsubscribe();
  }
  say('Les notifications sont désactivées.', true);
}

// --- Requests.

async function look() {
  const { means_id: means, key } = phone;
  const view = await call('prompts', { means_id: means, call: await sign(key, 'ecps-list+jwt', { means_id: means }) });
  clockOffset = view.now_ms - Date.now();
  phone.name = view.device;
  element('idle-device').textContent = view.device;
  const words = {
    active: ['Aucune demande', 'Quand vous vous connectez avec votre e‑CPS, la demande s’affiche ici.'],
    suspended: ['Téléphone suspendu', 'Réactivez-le depuis un ordinateur, dans « Mes appareils ».'],
    locked: ['Téléphone verrouillé', 'Le code PIN a été faux cinq fois. Activez de nouveau votre e‑CPS depuis un ordinateur.'],
    revoked: ['Téléphone révoqué', 'Activez de nouveau votre e‑CPS depuis un ordinateur.'],
    expired: ['Téléphone expiré', 'Activez de nouveau votre e‑CPS depuis un ordinateur.'],
  };
  const [title, text] = words[view.state] || words.revoked;
  element('idle-title').textContent = title;
  element('idle-text').textContent = text;
  element('remove').textContent = ['active', 'suspended'].includes(view.state) ? 'Révoquer ce téléphone' : 'Activer de nouveau';
  phone.state = view.state;
  ({ methods, rp_id: rpId, passkey, push } = view);
  showPasskey();
  showPush();
  if (!element('passkey').hidden) {
    return;
  }
  const first = view.prompts[0] || null;
  if (first === null) {
    if (shownPrompt !== null) {
      say('La demande n’attend plus de réponse.');
      shownPrompt = null;
    }
    show('idle');
  } else if (shownPrompt === null || shownPrompt.tx !== first.tx) {
    open(first);
  }
}

function open(prompt) {
  shownPrompt = { ...prompt, until: Date.now() + prompt.expires_in_ms };
  element('prompt-client').textContent = prompt.client_name;
  element('prompt-origin').textContent = prompt.origin || 'inconnu';
  const numbers = element('numbers');
  numbers.replaceChildren();
  for (const choice of prompt.choices) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'radio';
    input.name = 'number';
    input.value = choice;
    input.required = true;
    label.append(input, choice);
    numbers.append(label);
  }
  element('prompt-pin').value = '';
  element('approve-passkey').hidden = !usesPasskey();
  element('prompt-pin-line').hidden = !methods.pin;
  element('prompt-pin').required = methods.pin;
  element('approve-pin').hidden = !methods.pin;
  say(methods.pin || usesPasskey() ? '' : 'Ajoutez d’abord une clé d’accès à ce téléphone : le code PIN ne suffit pas ici.');
  show('prompt');
  if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) {
    navigator.vibrate(200);
  }
}

async function decide(decision, withPasskey = false) {
  const prompt = shownPrompt;
  const chosen = document.querySelector('#numbers input:checked');
  const number = decision === 'approve' && chosen !== null ? chosen.value : '';
  const claims = { tx: prompt.tx, challenge: prompt.challenge, number, decision, client_id: prompt.client_id };
  const body = { means_id: phone.means_id, tx: prompt.tx, decision, number, proof: await sign(phone.key, 'ecps-decision+jwt', claims) };
  if (withPasskey) {
    body.webauthn = await assertion(prompt, number);
  } else if (decision === 'approve') {
    body.pin = element('prompt-pin').value;
  }
  element('prompt-pin').value = '';
  try {
    const { outcome } = await call('decisions', body);
    const words = {
      approved: ['Demande approuvée : revenez à la page de connexion.', true],
      wrong_number: ['Ce n’est pas le nombre affiché : la demande est refusée.', false],
      refused: ['Demande refusée.', true],
      not_asked: ['Demande refusée et signalée. Ce demandeur est bloqué pendant 24 heures.', true],
    };
    shownPrompt = null;
    show('idle');
    say(...words[outcome]);
  } catch (error) {
    if (!['wrong_pin', 'offline', 'passkey', 'passkey_needed'].includes(error.code)) {
      shownPrompt = null;
      show('idle');
    }
    throw error;
  }
}

function tick() {
  if (shownPrompt === null) {
    return;
  }
  const left = Math.max(0, Math.ceil((shownPrompt.until - Date.now()) / 1000));
  element('prompt-left').textContent = `${left} s`;
}

async function poll() {
  clearTimeout(timer);
  if (phone === null || !phone.means_id) {
    return;
  }
  if (!document.hidden) {
    try {
      await look();
    } catch (error) {
      if (error instanceof Refused && error.code === 'unknown_means') {
        await restart(error.message);
        return;
      }
      if (!(error instanceof Refused) || error.code !== 'offline') {
        say(error.message);
      }
    }
  }
  timer = setTimeout(poll, 3000);
}

// --- Reading the code with the camera, where the browser knows how.

async function scan() {
  const video = element('video');
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    element('camera').hidden = true;
  };
  element('camera').hidden = false;
  element('scan-stop').onclick = stop;
  video.srcObject = stream;
  await video.play();
  while (!element('camera').hidden) {
    for (const found of await detector.detect(video)) {
      const code = codeOf(found.rawValue);
      if (code !== '') {
        stop();
        element('code-text').value = code;
        return;
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
}

function codeOf(text) {
  const at = text.indexOf('#code=');
  const code = at < 0 ? '' : text.slice(at + 6);
  return /^[0-9A-Za-z-]{26,40}$/.test(code) ? code : '';
}

// --- Start.

function listen() {
  element('code-form').addEventListener('submit', (event) => {
    event.preventDefault();
    during(event.target, () => bind(element('code-text').value.trim(), element('device-name').value.trim()));
  });
  element('scan').hidden = !('BarcodeDetector' in window);
  element('scan').addEventListener('click', () => {
    scan().catch(() => say('L’appareil photo ne peut pas être utilisé : tapez le code.'));
  });
  element('sms-form').addEventListener('submit', (event) => {
    event.preventDefault();
    during(event.target, async () => {
      const { activation_id: activation, key } = phone;
      const otp = element('sms-text').value;
      element('sms-text').value = '';
      await call(`activations/${activation}/otp`, { call: await sign(key, 'ecps-code+jwt', { activation_id: activation, otp }) });
      await proven();
    });
  });
  document.querySelectorAll('.restart').forEach((button) => button.addEventListener('click', () => restart()));
  element('pin-form').addEventListener('submit', (event) => {
    event.preventDefault();
    during(event.target, async () => {
      const pin = element('pin-text').value;
      const again = element('pin-again').value;
      element('pin-text').value = '';
      element('pin-again').value = '';
      if (pin !== again) {
        throw new Refused('pin', 'Les deux codes PIN ne sont pas les mêmes.');
      }
      const { activation_id: activation, key, name } = phone;
      const made = await call(`activations/${activation}/pin`, { call: await sign(key, 'ecps-pin+jwt', { activation_id: activation, pin }) });
      phone = { key, name, means_id: made.means_id };
      if (made.passkeys && passkeys.exist) {
        phone.offer = activation;
      }
      await keep(phone);
      proceed();
      say('Ce téléphone est activé.', true);
    });
  });
  element('prompt-form').addEventListener('submit', (event) => {
    event.preventDefault();
    during(event.target, () => decide('approve'));
  });
  element('refuse').addEventListener('click', () => during(element('prompt-form'), () => decide('refuse')));
  element('not-asked').addEventListener('click', () => during(element('prompt-form'), () => decide('not_asked')));
  element('approve-passkey').addEventListener('click', () => {
    const numbers = document.querySelectorAll('#numbers input');
    if ([...numbers].some((one) => one.checked) || numbers[0].reportValidity()) {
      during(element('prompt-form'), () => decide('approve', true));
    }
  });
  element('passkey-form').addEventListener('submit', (event) => {
    event.preventDefault();
    during(event.target, addPasskey);
  });
  element('passkey-later').addEventListener('click', () => during(element('passkey-form'), async () => {
    say('');
    await offered();
  }));
  element('passkey-add').addEventListener('click', () => {
    say('');
    offer();
  });
  element('passkey-remove').addEventListener('click', () => {
    if (confirm('Retirer la clé d’accès ? Vous approuverez avec votre code PIN.')) {
      during(element('idle'), removePasskey);
    }
  });
  element('push-on').addEventListener('click', () => during(element('idle'), subscribe));
  element('push-off').addEventListener('click', () => during(element('idle'), unsubscribe));
  element('look').addEventListener('click', () => poll());
  element('remove').addEventListener('click', () => {
    const usable = ['active', 'suspended'].includes(phone.state);
    if (usable && !confirm('Révoquer ce téléphone ? Il ne pourra plus approuver vos connexions.')) {
      return;
    }
    during(element('idle'), async () => {
      const { means_id: means, key } = phone;
      if (usable) {
        await call('revocation', { means_id: means, call: await sign(key, 'ecps-revoke+jwt', { means_id: means }) });
      }
      await restart(usable ? 'Ce téléphone est révoqué.' : '');
    });
  });
  document.addEventListener('visibilitychange', () => poll());
  addEventListener('online', () => poll());
  addEventListener('offline', () => online(false));
  setInterval(tick, 500);
}

async function start() {
  listen();
  online(navigator.onLine);
  if ('serviceWorker' in navigator) {
    navigator.serviceWorker.register('sw.js').catch(() => {});
  }
  try {
    phone = (await load()) || null;
  } catch {
    say('Ce navigateur ne peut pas garder la clé du téléphone. Essayez un autre navigateur, hors navigation privée.');
  }
  const code = codeOf(location.hash);
  if (code !== '') {
    // The code is not kept in the history of this browser.
    history.replaceState(null, '', './');
    if (phone === null || !phone.means_id) {
      phone = null;
      element('code-text').value = code;
    }
  }
  proceed();
}

start();
