'use strict';
// Asks for the page now and then, and reads it again when it has something else to say. Meanwhile nobody loses the focus or hears it anew.

const PAUSE_MS = 3000;
// Whoever pressed a button waits for its answer: a page that is read again would throw that away. After this time it will not come.
const ANSWER_MS = 60000;

// As it came: extensions of browsers write into pages.
const SHOWN = document.querySelector('main').innerHTML;

let sentAt = -ANSWER_MS;
addEventListener('submit', () => { sentAt = performance.now(); });
// The answer came, and its reader went back to this page.
addEventListener('pageshow', () => { sentAt = -ANSWER_MS; });

const isSending = () => performance.now() - sentAt < ANSWER_MS;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    if (answer.ok) {
      const there = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
      const isOther = answer.redirected || there === null || there.innerHTML !== SHOWN;
      if (isOther && !isSending()) {
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
