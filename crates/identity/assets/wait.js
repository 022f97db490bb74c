'use strict';
// Looks whether the phone has answered, and reads the page again when it has.

const STATE = location.pathname.replace(/attente$/, 'etat');
const PAUSE_MS = 2000;

async function look() {
  try {
    const answer = await fetch(STATE, { cache: 'no-store' });
    if (answer.status === 200) {
      location.reload();
      return;
    }
  } catch {
    // No network: it may come back.
  }
  setTimeout(look, PAUSE_MS);
}

setTimeout(look, PAUSE_MS);
