'use strict';
// Looks whether the phone has answered, and reads the page again when it has.

const STATE = location.pathname.replace(/attente$/, 'etat');
const PAUSE_MS = 2000;
// Whoever pressed « Annuler » waits for the answer to that. After this time it will not come.
const ANSWER_MS = 60000;

let sentAt = -ANSWER_MS;
addEventListener('submit', () => { sentAt = performance.now(); });
// The answer came, and its reader went back to this page.
addEventListener('pageshow', () => { sentAt = -ANSWER_MS; });

async function look() {
  try {
    const answer = await fetch(STATE, { cache: 'no-store' });
    if (answer.status === 200 && performance.now() - sentAt >= ANSWER_MS) {
      location.reload();
      return;
    }
  } catch {
    // No network: it may come back.
  }
  setTimeout(look, PAUSE_MS);
}

setTimeout(look, PAUSE_MS);
