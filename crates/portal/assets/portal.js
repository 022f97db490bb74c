// What the pages of the portal do better with a script. Without it, everything works by forms and links.
'use strict';

// Proposals below a field: the combobox pattern of ARIA. The count is announced.
function proposing(input) {
  const box = document.createElement('div');
  box.className = 'proposals';
  input.replaceWith(box);
  const list = document.createElement('ul');
  list.id = `${input.id}-propositions`;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Propositions');
  list.hidden = true;
  const status = document.createElement('p');
  status.className = 'visually-hidden';
  status.setAttribute('role', 'status');
  box.append(input, list, status);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-expanded', 'false'], ['aria-controls', list.id]]) input.setAttribute(name, value);
  let at = -1;
  let asked = 0;
  let timer;
  const close = () => { list.hidden = true; at = -1; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); };
  const mark = (n) => {
    const all = [...list.children];
    if (!all.length) return;
    at = (n + all.length) % all.length;
    all.forEach((line, i) => line.setAttribute('aria-selected', String(i === at)));
    input.setAttribute('aria-activedescendant', all[at].id);
    all[at].scrollIntoView({ block: 'nearest' });
  };
  const take = (n) => {
    const line = list.children[n];
    if (!line) return;
    input.value = line.dataset.value;
    close();
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const ask = async () => {
    const typed = input.value.trim();
    if (typed.length < 2) { close(); return; }
    const mine = ++asked;
    try {
      const answer = await fetch(`${input.dataset.source}?q=${encodeURIComponent(typed)}`, { headers: { accept: 'application/json' } });
      if (!answer.ok || mine !== asked) return;
      const found = await answer.json();
      list.replaceChildren(...found.lines.map((line, i) => {
        const item = document.createElement('li');
        item.id = `${list.id}-${i}`;
        item.setAttribute('role', 'option');
        item.setAttribute('aria-selected', 'false');
        item.dataset.value = line.value;
        item.textContent = line.text;
        item.addEventListener('mousedown', (event) => { event.preventDefault(); take(i); });
        return item;
      }));
      at = -1;
      status.textContent = [found.count, found.more].filter(Boolean).join(' ');
      list.hidden = found.lines.length === 0 || document.activeElement !== input;
      input.setAttribute('aria-expanded', String(!list.hidden));
    } catch { close(); }
  };
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden) { ask(); return; }
      mark(at + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Enter' && at >= 0) { event.preventDefault(); take(at); } else if (event.key === 'Escape') close();
  });
}

// Drafts are saved every thirty seconds, and nobody leaves a page with unsaved entries unawares.
function keeping(form) {
  let changed = false;
  let sent = false;
  const told = document.createElement('p');
  told.className = 'soft';
  told.setAttribute('role', 'status');
  form.append(told);
  form.addEventListener('input', () => { changed = true; });
  form.addEventListener('change', () => { changed = true; });
  form.addEventListener('submit', (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
  });
  window.addEventListener('pageshow', () => { sent = false; });
  window.addEventListener('beforeunload', (event) => { if (changed && !sent) event.preventDefault(); });
  setInterval(async () => {
    if (!changed || sent || !form.dataset.autosave) return;
    const fields = new URLSearchParams(new FormData(form));
    fields.set('faire', 'enregistrer');
    try {
      const answer = await fetch(form.action, { method: 'POST', body: fields, headers: { accept: 'application/json' } });
      const saved = await answer.json();
      if (answer.ok && saved.version) {
        form.querySelectorAll('input[name="version"]').forEach((field) => { field.value = saved.version; });
        changed = false;
        told.textContent = saved.text;
      } else if (saved.text) told.textContent = saved.text;
    } catch { told.textContent = 'L’enregistrement automatique n’a pas abouti. Vos saisies restent dans cette page.'; }
  }, 30000);
}

// Two minutes before an idle session ends, the page says so.
function warning() {
  if (!document.querySelector('.who')) return;
  const idle = 28 * 60 * 1000;
  let timer;
  const begin = () => { clearTimeout(timer); timer = setTimeout(tell, idle); };
  const tell = () => {
    const box = document.createElement('div');
    box.className = 'timeout';
    box.setAttribute('role', 'alertdialog');
    box.setAttribute('aria-label', 'Fin de session');
    const text = document.createElement('p');
    text.textContent = 'Sans action de votre part, votre session se termine dans deux minutes.';
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Prolonger';
    button.addEventListener('click', async () => { await fetch('/portail/prolonger'); box.remove(); begin(); });
    box.append(text, button);
    document.body.append(box);
    button.focus();
  };
  begin();
}

document.querySelectorAll('input[data-source]').forEach((input) => { if (!input.readOnly) proposing(input); });
document.querySelectorAll('form[data-keep]').forEach(keeping);
document.querySelectorAll('.summary').forEach((box) => { box.focus(); });
warning();
