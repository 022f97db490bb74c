'use strict';
// Keeps the application on the phone, so that it opens without network and says so. Calls are never kept.
const STORE = 'ecps-2';
const FILES = ['./', './app.js', './webauthn.js', './app.css', './icon.svg', './manifest.webmanifest'];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const former = (names) => Promise.all(names.filter((name) => name !== STORE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(former).then(() => self.clients.claim()));
});

// A request waits: the message says which one, and no more. Each message shows something, as browsers ask.
self.addEventListener('push', (event) => {
  let tx = 'e-cps';
  try {
    tx = event.data.json().tx;
  } catch {
    // A message that nobody can read still says that the application should be opened.
  }
  event.waitUntil(self.registration.showNotification('Demande de connexion', {
    body: 'Ouvrez l’application e‑CPS pour répondre.',
    icon: './icon.svg',
    lang: 'fr',
    tag: tx,
    requireInteraction: true,
  }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const app = new URL('./', self.location).href;
  event.waitUntil(self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((all) => {
    const open = all.find((client) => client.url.startsWith(app));
    return open === undefined ? self.clients.openWindow(app) : open.focus();
  }));
});

self.addEventListener('fetch', (event) => {
  const address = new URL(event.request.url);
  const ours = address.pathname.startsWith(new URL('./', self.location).pathname);
  if (event.request.method !== 'GET' || address.origin !== self.location.origin || !ours) {
    return;
  }
  // With network always the present version; without it the kept one.
  const fresh = fetch(event.request).then((answer) => {
    if (answer.ok) {
      const copy = answer.clone();
      event.waitUntil(caches.open(STORE).then((store) => store.put(event.request, copy)));
    }
    return answer;
  });
  event.respondWith(fresh.catch(() => caches.match(event.request, { ignoreSearch: true })));
});
