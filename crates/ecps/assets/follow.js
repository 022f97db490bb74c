'use strict';
// Asks for the page now and then, and reads it again when it has something else to say. Meanwhile nobody loses the focus or hears it anew.

const PAUSE_MS = 3000;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    if (answer.ok) {
      const there = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
      if (answer.redirected || there === null || there.innerHTML !== document.querySelector('main').innerHTML) {
        location.reload();
        return;
      }
    }
  } catch {
    // No network: it may come back.
  }
  setTimeout(look, PAUSE_MS);
}

setTimeout(look, PAUSE_MS);
