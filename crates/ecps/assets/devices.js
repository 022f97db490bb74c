'use strict';
// « Mes appareils »: the buttons that add a passkey. Without this script the page has all else.

async function asked(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(said.message || 'Votre session est terminée : rechargez la page.');
  }
  return said;
}

async function add(form) {
  const said = form.querySelector('[role=status]');
  const button = form.querySelector('button');
  const token = form.elements.jeton.value;
  button.disabled = true;
  said.textContent = 'Suivez les indications du navigateur.';
  try {
    const options = await asked(`${form.action}/debut`, { token });
    let credential;
    try {
      credential = await passkeys.create(options);
    } catch {
      throw new Error('La clé d’accès n’a pas été créée. Vous pouvez réessayer.');
    }
    await asked(`${form.action}/fin`, { token, credential });
    location.reload();
  } catch (error) {
    said.textContent = error.message;
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.hidden = !passkeys.exist;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    add(form);
  });
}
