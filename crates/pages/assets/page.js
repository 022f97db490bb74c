// Copies telephone numbers. A button without this script would do nothing, so that pages hide it until the script runs.
'use strict';

const status = document.getElementById('copie');

for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!navigator.clipboard || !status) {
    break;
  }
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      status.textContent = `${status.dataset.done} ${button.dataset.copy}`;
    } catch {
      status.textContent = status.dataset.refused;
    }
  });
}
