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
