// A person without a mouse: only keys, and what has the focus must be seen.

import assert from 'node:assert/strict';

/** What has the focus: its name, its place in the document, and whether it can be seen to have it. */
const FOCUSED = () => {
  const element = document.activeElement;
  const label = element.labels?.[0] ?? element.closest('label');
  // A field that lies invisible over its label is shown by the label.
  const shown = getComputedStyle(element).opacity === '0' && label ? label : element;
  const style = getComputedStyle(shown);
  const box = shown.getBoundingClientRect();
  return {
    name: (label ?? element).textContent.replaceAll(/\s+/g, ' ').trim(),
    kind: element.tagName,
    place: [...document.querySelectorAll('*')].indexOf(element),
    isOutlined: style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2,
    isInView: box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  };
};

/** Presses Tab until the element whose name begins with `name` has the focus. Each one on the way has to be seen, in the order of the page. */
export async function tabTo(page, name) {
  const passed = [];
  let last = -1;
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(FOCUSED);
    passed.push(focused.name);
    if (focused.kind === 'BODY') {
      last = -1;
      continue;
    }
    assert.ok(focused.isOutlined && focused.isInView, `the focus on « ${focused.name} » is not seen: ${JSON.stringify(focused)}`);
    assert.ok(focused.place > last, `the focus goes back to « ${focused.name} » after ${passed.join(' → ')}`);
    last = focused.place;
    if (focused.name.startsWith(name)) {
      return;
    }
  }
  throw new Error(`no key leads to « ${name} »: ${passed.join(' → ')}`);
}
